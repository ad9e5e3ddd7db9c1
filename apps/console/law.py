"""What a policy pack says to its reader, in words: how sure it is, what to check, what to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.retention import labels
from apps.retention.differences import Difference
from apps.retention.models import Policy

Words = str | Promise

STATUS: Final[Mapping[str, Words]] = {
    "draft_requires_dpo_signoff": gettext_lazy(
        "A draft of the law, not legal advice: your DPO checks it, then signs."
    ),
}
CONFIDENCE: Final[Mapping[str, Words]] = {
    "A": gettext_lazy("A: the law itself or the regulator's page was read."),
    "B": gettext_lazy("B: a commentary that names the law was read."),
    "C": gettext_lazy("C: from general knowledge; no source fixes these periods."),
}
EXTEND_IF: Final[Mapping[str, Words]] = {
    "claim_asserted": gettext_lazy(
        "If a candidate makes a claim, place a legal hold: the period itself does not change."
    ),
    "equality_act_claim": gettext_lazy(
        "If a candidate sues under the equality act, place a legal hold: the period itself does "
        "not change."
    ),
}
CEILING_REQUIRES: Final[Mapping[str, Words]] = {
    "consent": gettext_lazy("To go as far as the ceiling you need the candidate's consent."),
    "documented_need": gettext_lazy("To go as far as the ceiling you need a documented need."),
    "legitimate_interest_test": gettext_lazy(
        "To go as far as the ceiling you need your DPO's written balancing test."
    ),
}
END_ACTIONS: Final[Mapping[str, Words]] = {
    "erase": gettext_lazy("erase"),
    "anonymize_or_erase": gettext_lazy("anonymize or erase"),
    "move_to_category": gettext_lazy("keep only those in the talent pool"),
    "transfer_to_hr_file": gettext_lazy("transfer to the staff file by hand"),
}
ONLY: Final[Mapping[str, Words]] = {
    "courts": gettext_lazy("courts"),
    "prosecutors": gettext_lazy("prosecutors"),
    "administrations": gettext_lazy("authorities"),
}


@dataclass(frozen=True, slots=True)
class Register:
    """A register that the law asks of the employer, and that Lethe does not keep."""

    title: str
    period: str
    trigger: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another reading of the law that the pack offers for a rule."""

    #: `rule=id`, as the form sends it.
    key: str
    rule: str
    title: str
    risk: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class About:
    title: str
    status: Words
    confidence: Words
    #: Points that a DPO or a lawyer checks before signing.
    verify: tuple[str, ...]
    notices: tuple[str, ...]
    registers: tuple[Register, ...]


def variants(policy: Policy) -> list[Variant]:
    chosen = policy.about.get("variants", {})
    return [
        Variant(
            key=f"{rule['rule']}={one['id']}",
            rule=labels.rule(rule["rule"]),
            title=_said(one["title"]),
            risk=_said(one.get("risk", {})),
            chosen=chosen.get(rule["rule"]) == one["id"],
        )
        for rule in policy.rules
        for one in rule.get("details", {}).get("variants", [])
    ]


def about(stored: Mapping[str, Any]) -> About:
    """From `Policy.about`; a version drafted before a key existed simply lacks it."""
    confidence = str(stored.get("confidence", ""))
    return About(
        title=_said(stored.get("title", {})),
        status=STATUS.get(str(stored.get("status", "")), ""),
        confidence=CONFIDENCE.get(confidence, confidence),
        verify=tuple(_said(point) for point in stored.get("verify", ())),
        notices=tuple(stored.get("notices", ())),
        registers=tuple(_register(one) for one in stored.get("registers", ())),
    )


def notes(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """What the pack adds to a rule: its note, and what its keys ask of the reader."""
    details: Mapping[str, Any] = rule.get("details", {})
    found = [_said(details.get("note", {}))]
    found += [str(EXTEND_IF.get(details.get("extend_if", ""), ""))]
    found += [str(CEILING_REQUIRES.get(details.get("ceiling_requires", ""), ""))]
    if details.get("consent", {}).get("form") == "written":
        found.append(_("The consent must be in writing."))
    if "access_only" in details:
        names = ", ".join(str(ONLY[name]) for name in details["access_only"])
        found.append(_("These data may be given only to: %(names)s.") % {"names": names})
    return tuple(text for text in found if text)


def changes(found: Sequence[Difference]) -> list[str]:
    """Each difference between two versions as a sentence."""
    return [_changed(one) for one in found]


def _changed(one: Difference) -> str:
    before, after = _in_words(one.what, one.before), _in_words(one.what, one.after)
    said = {"rule": labels.rule(one.rule), "before": before, "after": after}
    sentences: Mapping[str, str] = {
        "added": _("%(rule)s: a new rule, %(after)s."),
        "removed": _("%(rule)s: no rule any more; by itself it makes nothing due."),
        "period": _("%(rule)s: %(after)s instead of %(before)s."),
        "trigger": _("%(rule)s: runs from the day %(after)s, not from the day %(before)s."),
        "ceiling": _("%(rule)s: at most %(after)s, before it was %(before)s."),
        "end_action": _("%(rule)s: at its end, %(after)s instead of %(before)s."),
        "sources": _("%(rule)s: its sources are others."),
    }
    return sentences[one.what] % said


def _in_words(what: str, value: str) -> str:
    if what == "trigger":
        return labels.trigger(value)
    if what == "end_action":
        return str(END_ACTIONS.get(value, value))
    return value if what == "sources" else labels.duration(value)


def _register(stored: Mapping[str, Any]) -> Register:
    return Register(
        title=_said(stored["title"]),
        period=labels.duration(stored["period"]),
        trigger=labels.trigger(stored["trigger"]),
        sources=tuple(stored["sources"]),
    )


def _said(text: Mapping[str, str]) -> str:
    """A pack speaks English and French."""
    return text.get(get_language() or "en") or text.get("en", "")
