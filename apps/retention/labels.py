"""The words for rules, triggers, reasons and periods, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.retention.meanings import Meaning
from apps.retention.periods import parse
from apps.retention.rules import Reason

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: Rules a fact can lead to (rules.py); a pack may name no other.
RULES: Final[Mapping[str, _StrPromise]] = {
    "rejected": _("rejected application"),
    "rejected.archive": _("evidence of a rejected application"),
    "withdrawn": _("application withdrawn by the candidate"),
    "withdrawn.archive": _("evidence of a withdrawn application"),
    "spontaneous": _("spontaneous application"),
    "talent_pool": _("talent pool, with consent"),
    "sourced": _("sourced, never told"),
    "sourced_informed": _("sourced and told"),
    "hired": _("hired"),
    "resurrected": _("came back after its erasure"),
    "erasure": _("erasure requested and granted"),
}
#: Categories of people, as the field names them; a case without a rule has its reason instead.
CATEGORIES: Final[Mapping[str, _StrPromise]] = {
    "applicant_rejected": _("rejected applicants"),
    "candidate_withdrew": _("candidates who withdrew"),
    "spontaneous": _("spontaneous applicants"),
    "talent_pool": _("talent pool"),
    "sourced_never_contacted": _("sourced, never told"),
    "sourced_informed": _("sourced and told"),
    "hired": _("hired"),
}
TRIGGERS: Final[Mapping[str, _StrPromise]] = {
    "application.received": _("the application was received"),
    "process.closed": _("the recruitment process ended"),
    "decision.rejected_notified": _("the refusal was notified"),
    "candidate.withdrew": _("the candidate withdrew"),
    "sourced.collected": _("the data were collected"),
    "consent.given": _("the consent was given"),
    "last_contact": _("the candidate was last in touch"),
    "hire.started": _("the hire started"),
}
REASONS: Final[Mapping[Reason, _StrPromise]] = {
    Reason.PERIOD: _("a period runs"),
    Reason.OPEN_APPLICATION: _("an application is in process"),
    Reason.BY_HAND: _("hired: transfer to the staff file by hand"),
    Reason.NO_POLICY: _("cannot decide: no policy for this case"),
    Reason.NO_COUNTRY: _("cannot decide: the country is unknown"),
    Reason.NO_TRIGGER: _("cannot decide: the date the period runs from is missing"),
    Reason.UNMAPPED: _("cannot decide: the state in the ATS is unknown"),
    Reason.NO_FACTS: _("cannot decide: the record has no application"),
    Reason.RESURRECTED: _("came back after its erasure"),
    Reason.RESTRICTED: _("processing restricted: nothing is erased"),
    Reason.ERASURE_ACCEPTED: _("erasure requested and granted"),
    Reason.FUTURE: _("cannot decide: the date the period runs from has not come yet"),
    Reason.CONTRADICTION: _("cannot decide: the application ended before it was made"),
}
OFF: Final = _("switched off")
#: What a word of an ATS may mean, with what follows from it.
MEANINGS: Final[Mapping[Meaning, _StrPromise]] = {
    "open": _("in process: kept"),
    "rejected": _("rejected: the period runs from the refusal"),
    "withdrawn": _("withdrawn: the period runs from the day they left"),
    "hired": _("hired: handed over by hand"),
    "sourced": _("sourced: found by a recruiter, not a candidate yet"),
}


def rule(key: str) -> str:
    return str(RULES.get(key, key))


def category(key: str) -> str:
    return str(CATEGORIES.get(key, RULES.get(key, key)))


def trigger(key: str) -> str:
    return str(TRIGGERS.get(key, key))


def duration(text: str) -> str:
    """`P1Y6M` as "1 year and 6 months"; empty is "switched off"."""
    if not text:
        return str(OFF)
    span = parse(text)
    years, months = divmod(span.months, 12)
    parts = [
        ngettext("%(n)d year", "%(n)d years", years) % {"n": years} if years else "",
        ngettext("%(n)d month", "%(n)d months", months) % {"n": months} if months else "",
        ngettext("%(n)d day", "%(n)d days", span.days) % {"n": span.days} if span.days else "",
    ]
    said = [part for part in parts if part]
    if not said:
        return ngettext("%(n)d day", "%(n)d days", 0) % {"n": 0}
    if len(said) == 1:
        return said[0]
    return gettext("%(first)s and %(last)s") % {"first": ", ".join(said[:-1]), "last": said[-1]}
