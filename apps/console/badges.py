"""Each state with its words and its colour; colour never speaks alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.connectors.models import Connection
from apps.erasure.models import Plan, Step
from apps.retention.models import Policy
from apps.subjects.models import Application, Disclosure, Record

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Badge:
    words: Words
    #: good | warn | bad | calm | "" (idle)
    tone: str


OUTCOMES: Mapping[str, Badge] = {
    "due": Badge(_("to erase"), "bad"),
    "archive": Badge(_("to archive"), "warn"),
    "kept": Badge(_("kept"), "good"),
    "held": Badge(_("under a legal hold"), "calm"),
    "undecided": Badge(_("cannot decide"), "warn"),
    "erased": Badge(_("erased"), ""),
    "pending": Badge(_("being worked out"), ""),
}
_TONES: Mapping[str, Mapping[str, str]] = {
    "plan": {"proposed": "warn", "approved": "calm", "refused": "", "finished": "good"},
    "step": {
        "planned": "",
        "claimed": "calm",
        "sent": "calm",
        "by_hand": "warn",
        "verified": "good",
        "archived": "good",
        "stated": "calm",
        "residual": "bad",
        "unverifiable": "warn",
        "failed": "bad",
        "manual": "warn",
        "stale": "warn",
        "held": "calm",
        "cancelled": "",
    },
    "record": {"present": "", "gone": "warn", "erased": "good", "resurrected": "bad"},
    "policy": {"drafted": "warn", "signed": "calm", "active": "good", "superseded": ""},
    "connection": {"active": "good", "failing": "bad", "paused": "warn"},
    "application": {
        "open": "calm",
        "rejected": "",
        "hired": "good",
        "withdrawn": "",
        "converted": "",
        "unknown": "warn",
    },
    "consent": {"given": "good", "renewed": "good", "withdrawn": "bad", "expired": "warn"},
    "ground": {"ended": "", "living": "good", "off": "", "no_end": "warn"},
    "told": {
        "recorded": "",
        "telling": "calm",
        "by_hand": "warn",
        "told": "good",
        "mailed": "calm",
        "stated": "calm",
        "exempt": "calm",
        "returned": "bad",
        "lapsed": "bad",
        "unknown": "warn",
    },
    "field": {"clean": "good", "confirmed": "good", "residue": "bad", "unread": "warn"},
}
_WORDS: Mapping[str, Mapping[str, Words]] = {
    "plan": dict(Plan.State.choices),
    "step": dict(Step.State.choices),
    "record": dict(Record.State.choices),
    "policy": dict(Policy.State.choices),
    "connection": dict(Connection.State.choices),
    "application": dict(Application.State.choices),
    "told": dict(Disclosure.State.choices),
    "consent": {
        "given": _("given"),
        "renewed": _("renewed"),
        "withdrawn": _("withdrawn"),
        "expired": _("expired"),
    },
    "ground": {
        "ended": _("period ended"),
        "living": _("period runs"),
        "off": _("rule switched off"),
        "no_end": _("no end yet"),
    },
    "field": {
        "clean": _("read back clean"),
        "confirmed": _("confirmed by the ATS"),
        "residue": _("data remain"),
        "unread": _("not readable"),
    },
}


def of(kind: str, value: str) -> Badge:
    """The badge of a state; a state nobody described shows its own name, in no colour."""
    if kind == "outcome":
        return OUTCOMES.get(value, Badge(value, ""))
    words = _WORDS.get(kind, {}).get(value, value)
    return Badge(words, _TONES.get(kind, {}).get(value, ""))
