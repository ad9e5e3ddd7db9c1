"""Pure: from the grounds of a record to a decision.

The algebra. A *ground* is one reason to keep a record: a rule of the policy with the date its
period runs from, or a reason without an end. A record is kept while any ground lives; the last
to end decides and is the one shown. Due = at least one ground has ended, none lives, no hold.

A ground of an archive phase keeps the archive, not the active base: when only such grounds
live, the outcome is *archive* and the record leaves the ATS for the intermediate archive.

What is missing never makes anything due: no trigger date, no policy for the case, an unknown
country, a state nobody mapped, a record without any application, a date that has not come yet
are themselves grounds without end that say what is missing. A rule that a DPO switched off
neither keeps nor makes due; when nothing else is there, nothing can be decided.

`derivation.py` says which grounds a record has; `due_sql.py` decides over all records at once,
and a property test holds the two equal. Dates are local dates of the establishment; `as_of` is
one too. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID

from apps.retention.periods import cutoff, end_date

__all__ = [
    "Decision",
    "Ground",
    "Judged",
    "Outcome",
    "Reason",
    "Status",
    "cutoff",
    "decide",
    "due_on",
    "end_date",
]

Outcome = Literal["due", "archive", "kept", "held", "undecided"]
#: off: switched off by an override; no_end: kept until the fact changes.
Status = Literal["ended", "living", "off", "no_end"]


class Reason(IntEnum):
    """Why a ground exists. From NO_POLICY to NO_FACTS, CONTRADICTION and FUTURE: cannot decide,
    and what is missing or wrong. FUTURE is a judgment of a day; no ground is stored with it."""

    PERIOD = 0
    OPEN_APPLICATION = 1
    BY_HAND = 2
    NO_POLICY = 3
    NO_COUNTRY = 4
    NO_TRIGGER = 5
    UNMAPPED = 6
    NO_FACTS = 7
    RESURRECTED = 8
    RESTRICTED = 9
    ERASURE_ACCEPTED = 10
    CONTRADICTION = 11
    FUTURE = 20


#: Kept, and rightly so, until something changes; the others without end are undecided.
KEEPS = frozenset({Reason.OPEN_APPLICATION, Reason.BY_HAND, Reason.RESTRICTED})
#: Due as of the ground's own date, by no period.
AT_ONCE = frozenset({Reason.RESURRECTED, Reason.ERASURE_ACCEPTED})
#: The phase of a rule after the active one: `rejected.archive`.
ARCHIVE = ".archive"
#: A local date may be a day ahead of the controller's own (UTC+14 against UTC-12).
AHEAD = timedelta(days=1)


class Weight(NamedTuple):
    """What the strongest of a record's grounds makes of it."""

    ground: str
    outcome: Outcome


#: By weight, the weakest first: the greatest of a record's grounds decides.
WEIGHTS: Final = (
    Weight("switched off", "undecided"),
    Weight("ended", "due"),
    Weight("lives in the archive", "archive"),
    Weight("lives", "kept"),
    Weight("cannot be decided", "undecided"),
    Weight("kept without end", "kept"),
)
_OFF, _ENDED, _IN_ARCHIVE, _LIVES, _UNDECIDED, _WITHOUT_END = range(len(WEIGHTS))
#: What an outcome may become by the passing of days alone: nothing is ever less due tomorrow, and
#: what cannot be decided can be only when a date that was to come has come.
PASSING: Final[Mapping[Outcome, frozenset[Outcome]]] = {
    "kept": frozenset({"archive", "due"}),
    "archive": frozenset({"due"}),
    "due": frozenset(),
    "held": frozenset(),
    "undecided": frozenset({"kept", "archive", "due"}),
}


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
    #: The word of the ATS that nobody mapped (Reason.UNMAPPED).
    word: str = ""
    #: An accepted erasure does not end it (GDPR art. 17(3)(b) or (e)).
    outlives: bool = False

    @property
    def archived(self) -> bool:
        """Whether it keeps the intermediate archive and not the active base."""
        return self.rule.endswith(ARCHIVE)


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
        """Its place in WEIGHTS."""
        if self.status == "no_end":
            return _WITHOUT_END if self.reason in KEEPS else _UNDECIDED
        if self.status == "living":
            return _IN_ARCHIVE if self.ground.archived else _LIVES
        return _OFF if self.status == "off" else _ENDED


@dataclass(frozen=True, slots=True)
class Decision:
    """`deciding` is the ground that decides (or would, without the hold); None: there is none."""

    outcome: Outcome
    deciding: Judged | None
    others: tuple[Judged, ...] = ()

    @property
    def due_on(self) -> date | None:
        """The first local day the record leaves the active base, once no hold stands in the way."""
        if self.deciding is None:
            return None
        if self.deciding.weight != _IN_ARCHIVE:
            return due_on(self.deciding)
        ended = [due_on(one) for one in self.others if one.status == "ended"]
        judged = (self.deciding, *self.others)
        begun = [one.ground.anchor for one in judged if one.weight == _IN_ARCHIVE]
        return max(day for day in ended or begun if day is not None)

    @property
    def to_archive(self) -> bool:
        """Whether the record then goes to the archive: a ground there lives on that day."""
        if self.deciding is None or self.due_on is None:
            return False
        return any(
            one.ground.archived and one.status == "living" and _on(one.ends_on) >= self.due_on
            for one in (self.deciding, *self.others)
        )


def due_on(judged: Judged) -> date | None:
    """The day after the last one; of a ground that is due at once, its own day."""
    if judged.ends_on is None or judged.ground.reason in AT_ONCE:
        return judged.ends_on
    return judged.ends_on + timedelta(days=1) if judged.ends_on < date.max else date.max


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
    outcome: Outcome = "held" if held else WEIGHTS[deciding.weight].outcome
    return Decision(outcome, deciding, tuple(judged[1:]))


def _on(day: date | None) -> date:
    return date.min if day is None else day


def _judge(ground: Ground, periods: Mapping[int, str], as_of: date) -> Judged:
    if ground.reason in AT_ONCE:
        return Judged(ground, "ended", ground.reason, ends_on=ground.anchor)
    if ground.cell is None:
        return Judged(ground, "no_end", ground.reason)
    duration = periods.get(ground.cell)
    if duration is None:
        return Judged(ground, "no_end", Reason.NO_POLICY)
    return _within(ground, duration, as_of) if duration else Judged(ground, "off", ground.reason)


def _within(ground: Ground, duration: str, as_of: date) -> Judged:
    if ground.anchor is None:
        return Judged(ground, "no_end", ground.reason, duration)
    if ground.anchor > as_of + AHEAD:
        return Judged(ground, "no_end", Reason.FUTURE, duration)
    ends_on = end_date(ground.anchor, duration)
    status: Status = "ended" if ends_on < as_of else "living"
    return Judged(ground, status, ground.reason, duration, ends_on)


def _order(judged: Judged) -> tuple[int, int, str, str]:
    """The deciding ground first: the last to be over, so that a record is not said to be due on a
    day that one of its grounds outlives. Ties by rule and application: the answer is one."""
    over = due_on(judged)
    return (
        -judged.weight,
        -over.toordinal() if over is not None else 0,
        judged.ground.rule,
        str(judged.ground.application_id or ""),
    )
