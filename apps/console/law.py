"""What a policy pack says to its reader, in words: how sure it is, what to check, what to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.retention import labels

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
class About:
    title: str
    status: Words
    confidence: Words
    #: Points that a DPO or a lawyer checks before signing.
    verify: tuple[str, ...]
    notices: tuple[str, ...]
    registers: tuple[Register, ...]


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
