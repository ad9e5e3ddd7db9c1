"""Pure: from the facts of a record to the reasons for keeping it, and to a decision.

The algebra. A *ground* is one reason to keep a record: a rule of the policy with the date its
period runs from, or a reason without an end. A record is kept while any ground lives; the last
to end decides and is the one shown. Due = at least one ground has ended, none lives, no hold.

What is missing never makes anything due: no trigger date, no policy for the case, an unknown
country, a state nobody mapped, a record without any application are themselves grounds without
end that say what is missing. A rule that a DPO switched off neither keeps nor makes due; when
nothing else is there, nothing can be decided.

`grounds_sql.py` says the same over all records at once; a property test holds the two equal.
Dates are local dates of the establishment; `as_of` is one too. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum
from typing import Literal
from uuid import UUID

from apps.retention.periods import cutoff, end_date

__all__ = [
    "ApplicationFacts",
    "Book",
    "CellRef",
    "Dated",
    "Decision",
    "Facts",
    "Ground",
    "Judged",
    "Outcome",
    "Reason",
    "Status",
    "cutoff",
    "decide",
    "end_date",
    "grounds",
]

Outcome = Literal["due", "kept", "held", "undecided"]
#: off: switched off by an override; no_end: kept until the fact changes.
Status = Literal["ended", "living", "off", "no_end"]


class Reason(IntEnum):
    """Why a ground exists. From NO_POLICY to NO_FACTS: cannot decide, and what is missing."""

    PERIOD = 0
    OPEN_APPLICATION = 1
    BY_HAND = 2
    NO_POLICY = 3
    NO_COUNTRY = 4
    NO_TRIGGER = 5
    UNMAPPED = 6
    NO_FACTS = 7
    RESURRECTED = 8


#: Kept, and rightly so, until something changes; the others without end are undecided.
KEEPS = frozenset({Reason.OPEN_APPLICATION, Reason.BY_HAND})


@dataclass(frozen=True, slots=True)
class Dated:
    """A legal date, and whether the ATS gives it only approximately."""

    on: date
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """One application; a date the ATS does not give is None."""

    id: UUID
    state: str
    prospect: bool = False
    job: str = ""
    country: str = ""
    applied: Dated | None = None
    closed: Dated | None = None
    rejected_notified: Dated | None = None
    hire_started: Dated | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a record. `country` is the connection's, when the ATS says none."""

    record_id: UUID
    version: int = 1
    state: str = "present"
    origin: str = "applied"
    country: str = ""
    collected: Dated | None = None
    #: Effective date of the talent-pool consent that lives in the family; None: none lives.
    consented_on: date | None = None
    #: The day a resurrected record was seen again.
    returned_on: date | None = None
    applications: tuple[ApplicationFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CellRef:
    """A rule in force somewhere: its key (`rejected`, `rejected.archive`) and its trigger."""

    id: int
    rule: str
    trigger: str


@dataclass(frozen=True, slots=True)
class Book:
    """The cells of a controller by (country, rule without its phase)."""

    cells: Mapping[tuple[str, str], tuple[CellRef, ...]] = field(default_factory=dict)

    def of(self, country: str, rule: str) -> tuple[CellRef, ...]:
        return self.cells.get((country, rule), ())


@dataclass(frozen=True, slots=True)
class Ground:
    rule: str
    reason: Reason
    application_id: UUID | None = None
    cell: int | None = None
    trigger: str = ""
    country: str = ""
    anchor: date | None = None
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A ground on a day: whether it lives, and its last day if it has one."""

    ground: Ground
    status: Status
    reason: Reason
    duration: str = ""
    ends_on: date | None = None

    @property
    def weight(self) -> int:
        """Switched off 0 < ended 1 < living 2 < cannot decide 3 < kept without end 4."""
        if self.status == "no_end":
            return 4 if self.reason in KEEPS else 3
        return {"off": 0, "ended": 1, "living": 2}[self.status]


@dataclass(frozen=True, slots=True)
class Decision:
    """`deciding` is the ground that decides (or would, without the hold); None: there is none."""

    outcome: Outcome
    deciding: Judged | None
    others: tuple[Judged, ...] = ()

    @property
    def due_on(self) -> date | None:
        """The first local day the record is due, once no hold stands in the way."""
        return None if self.deciding is None else due_on(self.deciding)


def due_on(judged: Judged) -> date | None:
    """The day after the last one; for a record that came back, the day it did."""
    if judged.ends_on is None or judged.ground.reason is Reason.RESURRECTED:
        return judged.ends_on
    return judged.ends_on + timedelta(days=1) if judged.ends_on < date.max else date.max


def grounds(facts: Facts, book: Book) -> tuple[Ground, ...]:
    """Every ground of a record: at least one, unless it was erased and stayed so."""
    if facts.state == "erased":
        return ()
    if facts.state == "resurrected":
        return (Ground("resurrected", Reason.RESURRECTED, anchor=facts.returned_on),)
    found = [ground for one in facts.applications for ground in _of_application(one, facts, book)]
    return (*found, *_of_person(facts, book))


def _of_application(one: ApplicationFacts, facts: Facts, book: Book) -> Sequence[Ground]:
    """A converted application is followed by another, which then speaks for both."""
    if one.state == "converted" and any(a.state != "converted" for a in facts.applications):
        return ()
    rule, reason = _rule_of(one)
    if not rule:
        return (Ground("hired" if one.state == "hired" else "", reason, one.id),)
    country = one.country or facts.country
    return _by_rule(rule, country, book, _triggers(one, facts), one.id)


def _rule_of(one: ApplicationFacts) -> tuple[str, Reason]:
    """The rule that governs an application, or the reason it needs none."""
    if one.state == "hired":
        return "", Reason.BY_HAND
    if one.state not in {"open", "rejected", "withdrawn"}:
        return "", Reason.UNMAPPED
    if one.prospect:
        return "sourced", Reason.PERIOD
    if one.state != "open":
        return one.state, Reason.PERIOD
    # Without a job nobody examines it for one: a spontaneous application, with its own clock.
    return ("", Reason.OPEN_APPLICATION) if one.job else ("spontaneous", Reason.PERIOD)


def _triggers(one: ApplicationFacts, facts: Facts) -> Mapping[str, Dated | None]:
    return {
        "application.received": one.applied,
        "process.closed": one.closed,
        "candidate.withdrew": one.closed,
        "decision.rejected_notified": one.rejected_notified,
        "sourced.collected": facts.collected,
    }


def _of_person(facts: Facts, book: Book) -> Sequence[Ground]:
    """Grounds of the record itself: a talent-pool consent, a sourced file, or no fact at all."""
    if facts.consented_on is not None:
        dates = {"consent.given": Dated(facts.consented_on), "last_contact": _last_contact(facts)}
        return _by_rule("talent_pool", _country_of(facts), book, dates, None)
    if facts.applications:
        return ()
    if facts.origin == "sourced":
        dates = {"sourced.collected": facts.collected}
        return _by_rule("sourced", _country_of(facts), book, dates, None)
    return (Ground("", Reason.NO_FACTS),)


def _last_contact(facts: Facts) -> Dated | None:
    """Only what comes from the candidate counts: a consent, an application; never a prospect,
    which a recruiter made, and never an ATS's own "last activity"."""
    dates = [a.applied for a in facts.applications if a.applied is not None and not a.prospect]
    if facts.consented_on is not None:
        dates.append(Dated(facts.consented_on))
    return max(dates, key=lambda dated: (dated.on, not dated.approximate), default=None)


def _country_of(facts: Facts) -> str:
    """The connection's establishment, else the only country its applications name."""
    named = {one.country for one in facts.applications if one.country}
    return facts.country or (named.pop() if len(named) == 1 else "")


def _by_rule(
    rule: str,
    country: str,
    book: Book,
    dates: Mapping[str, Dated | None],
    application_id: UUID | None,
) -> Sequence[Ground]:
    """One ground per phase of the rule, or what is missing for it to apply."""
    base = Ground(rule, Reason.NO_COUNTRY, application_id, country=country)
    if not country:
        return (base,)
    cells = book.of(country, rule)
    if not cells:
        return (replace(base, reason=Reason.NO_POLICY),)
    return tuple(_in_cell(base, cell, dates.get(cell.trigger)) for cell in cells)


def _in_cell(base: Ground, cell: CellRef, dated: Dated | None) -> Ground:
    named = replace(base, rule=cell.rule, cell=cell.id, trigger=cell.trigger)
    if dated is None:
        return replace(named, reason=Reason.NO_TRIGGER)
    return replace(named, reason=Reason.PERIOD, anchor=dated.on, approximate=dated.approximate)


def decide(
    found: Sequence[Ground], periods: Mapping[int, str], *, held: bool, as_of: date
) -> Decision:
    """What is to be done with a record on a local day.

    `periods` gives the ISO 8601 period in force of each cell; empty is switched off, absent is
    no policy. The ground with the greatest weight decides; of two that end, the last to end.
    """
    judged = sorted((_judge(one, periods, as_of) for one in found), key=_order)
    if not judged:
        return Decision("held" if held else "undecided", None)
    deciding = judged[0]
    outcome: Outcome = "held" if held else _outcome(deciding)
    return Decision(outcome, deciding, tuple(judged[1:]))


def _outcome(deciding: Judged) -> Outcome:
    by_weight: dict[int, Outcome] = {1: "due", 2: "kept", 4: "kept"}
    return by_weight.get(deciding.weight, "undecided")


def _judge(ground: Ground, periods: Mapping[int, str], as_of: date) -> Judged:
    if ground.reason is Reason.RESURRECTED:
        return Judged(ground, "ended", ground.reason, ends_on=ground.anchor)
    if ground.cell is None:
        return Judged(ground, "no_end", ground.reason)
    duration = periods.get(ground.cell)
    if duration is None:
        return Judged(ground, "no_end", Reason.NO_POLICY)
    if not duration:
        return Judged(ground, "off", ground.reason)
    if ground.anchor is None:
        return Judged(ground, "no_end", ground.reason, duration)
    ends_on = end_date(ground.anchor, duration)
    status: Status = "ended" if ends_on < as_of else "living"
    return Judged(ground, status, ground.reason, duration, ends_on)


def _order(judged: Judged) -> tuple[int, int, str, str]:
    """The deciding ground first; ties by rule and application, so that the answer is one."""
    last_day = judged.ends_on.toordinal() if judged.ends_on is not None else 0
    return (-judged.weight, -last_day, judged.ground.rule, str(judged.ground.application_id or ""))
