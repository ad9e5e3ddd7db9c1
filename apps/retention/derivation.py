"""Pure: from the facts of a record to its grounds, the reasons for keeping it.

What is missing is a ground too, one without an end that names it: nothing is due by absence.
`grounds_sql.py` says the same over all records at once; a property test holds the two equal.
Dates are local dates of the establishment. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from apps.retention.rules import Ground, Reason


@dataclass(frozen=True, slots=True)
class Dated:
    """A legal date, and whether the ATS gives it only approximately."""

    on: date
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """One application; a date the ATS does not give is None."""

    id: UUID
    #: As the connection's mapping says it is (meanings.stands).
    state: str
    prospect: bool = False
    #: The ATS's word that nobody mapped, where the state is unknown.
    word: str = ""
    job: str = ""
    country: str = ""
    applied: Dated | None = None
    closed: Dated | None = None
    rejected_notified: Dated | None = None
    hire_started: Dated | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a record. `country` is the connection's, when the ATS says none.

    What belongs to a person counts for everyone they were merged with.
    """

    record_id: UUID
    connection_id: UUID | None = None
    version: int = 1
    state: str = "present"
    origin: str = "applied"
    country: str = ""
    collected: Dated | None = None
    #: Effective date of the talent-pool consent that lives in the family; None: none lives.
    consented_on: date | None = None
    #: The last day the candidate was in touch; what the recruiter sends never counts.
    contacted_on: date | None = None
    #: The day a sourced person was first given the notice of GDPR art. 14.
    informed_on: date | None = None
    #: A restriction under GDPR art. 18(1)(b) or (c) forbids erasure.
    restricted: bool = False
    #: The day from which an accepted request demands the erasure (art. 17); None: none does.
    erasure_required_on: date | None = None
    #: The day a resurrected record was seen again.
    returned_on: date | None = None
    applications: tuple[ApplicationFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CellRef:
    """A rule in force somewhere: its key (`rejected`, `rejected.archive`) and its trigger.

    `outlives`: an accepted erasure does not end it (GDPR art. 17(3)(b) or (e)).
    """

    id: int
    rule: str
    trigger: str
    outlives: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """The cells of a controller by (country, rule without its phase, job).

    A job with a period of its own has an entry with every phase of the rule; "" is any job.
    """

    cells: Mapping[tuple[str, str, str], tuple[CellRef, ...]] = field(default_factory=dict)

    def of(self, country: str, rule: str, job: str = "") -> tuple[CellRef, ...]:
        own = self.cells.get((country, rule, job))
        return own if own is not None else self.cells.get((country, rule, ""), ())


def grounds(facts: Facts, book: Book) -> tuple[Ground, ...]:
    """Every ground of a record: at least one, unless it was erased and stayed so."""
    if facts.state == "erased":
        return ()
    if facts.state == "resurrected":
        return (Ground("resurrected", Reason.RESURRECTED, anchor=facts.returned_on),)
    found = [
        ground
        for one in facts.applications
        for ground in _of_application(one, facts, book)
        if _stands(ground, one.applied, facts)
    ]
    if facts.restricted:
        found.append(Ground("", Reason.RESTRICTED))
    if facts.erasure_required_on is not None:
        found.append(Ground("erasure", Reason.ERASURE_ACCEPTED, anchor=facts.erasure_required_on))
    said = Dated(facts.consented_on) if facts.consented_on is not None else None
    return (*found, *(one for one in _of_person(facts, book) if _stands(one, said, facts)))


def _stands(ground: Ground, since: Dated | None, facts: Facts) -> bool:
    """Whether an accepted erasure leaves a ground: one that the law puts above it, what cannot
    be decided, and whatever the person did after the request."""
    required = facts.erasure_required_on
    if required is None or (since is not None and since.on > required):
        return True
    if ground.reason in {Reason.PERIOD, Reason.NO_TRIGGER}:
        return ground.outlives
    return ground.reason not in {Reason.OPEN_APPLICATION, Reason.NO_FACTS}


def _of_application(one: ApplicationFacts, facts: Facts, book: Book) -> Sequence[Ground]:
    """A converted application is followed by another, which then speaks for both."""
    if one.state == "converted" and any(a.state != "converted" for a in facts.applications):
        return ()
    rule, reason = _rule_of(one, facts)
    if not rule:
        return (Ground("hired" if one.state == "hired" else "", reason, one.id, word=one.word),)
    if _contradicts(one):
        return (Ground(rule, Reason.CONTRADICTION, one.id),)
    cells = book.of(one.country or facts.country, rule, one.job)
    return _by_rule(rule, one.country or facts.country, cells, _triggers(one, facts), one.id)


def _rule_of(one: ApplicationFacts, facts: Facts) -> tuple[str, Reason]:
    """The rule that governs an application, or the reason it needs none."""
    if one.state == "hired":
        return "", Reason.BY_HAND
    if one.state not in {"open", "rejected", "withdrawn"}:
        return "", Reason.UNMAPPED
    if one.prospect:
        return _sourced(facts), Reason.PERIOD
    if one.state != "open":
        return one.state, Reason.PERIOD
    # Without a job nobody examines it for one: a spontaneous application, with its own clock.
    return ("", Reason.OPEN_APPLICATION) if one.job else ("spontaneous", Reason.PERIOD)


def _sourced(facts: Facts) -> str:
    """The notice of art. 14 moves a sourced person to another rule."""
    return "sourced" if facts.informed_on is None else "sourced_informed"


def _contradicts(one: ApplicationFacts) -> bool:
    """An application that ended before it was made: one of the two dates is wrong."""
    ends = (one.closed, one.rejected_notified)
    return one.applied is not None and any(e is not None and e.on < one.applied.on for e in ends)


def _triggers(one: ApplicationFacts, facts: Facts) -> Mapping[str, Dated | None]:
    return {
        "application.received": one.applied,
        "process.closed": one.closed,
        "candidate.withdrew": one.closed,
        "decision.rejected_notified": one.rejected_notified,
        "sourced.collected": facts.collected,
        "last_contact": _last_contact(facts),
    }


def _of_person(facts: Facts, book: Book) -> Sequence[Ground]:
    """Grounds of the record itself: a talent-pool consent, a sourced file, or no fact at all."""
    country = _country_of(facts)
    if facts.consented_on is not None:
        dates = {"consent.given": Dated(facts.consented_on), "last_contact": _last_contact(facts)}
        cells = book.of(country, "talent_pool")
        return _by_rule("talent_pool", country, cells, dates, None)
    if facts.applications:
        return ()
    if facts.origin == "sourced":
        rule = _sourced(facts)
        dates = {"sourced.collected": facts.collected, "last_contact": _last_contact(facts)}
        return _by_rule(rule, country, book.of(country, rule), dates, None)
    return (Ground("", Reason.NO_FACTS),)


def _last_contact(facts: Facts) -> Dated | None:
    """Only what comes from the candidate counts: a consent, an application, a reply; never a
    prospect, which a recruiter made, and never an ATS's own "last activity". A sourced person
    who never answered counts from the notice, which their rule begins with."""
    dates = [a.applied for a in facts.applications if a.applied is not None and not a.prospect]
    others = (facts.consented_on, facts.contacted_on, facts.informed_on)
    dates += [Dated(on) for on in others if on is not None]
    return max(dates, key=lambda dated: (dated.on, not dated.approximate), default=None)


def _country_of(facts: Facts) -> str:
    """The connection's establishment, else the only country its applications name."""
    named = {one.country for one in facts.applications if one.country}
    return facts.country or (named.pop() if len(named) == 1 else "")


def _by_rule(
    rule: str,
    country: str,
    cells: Sequence[CellRef],
    dates: Mapping[str, Dated | None],
    application_id: UUID | None,
) -> Sequence[Ground]:
    """One ground per phase of the rule, or what is missing for it to apply."""
    base = Ground(rule, Reason.NO_COUNTRY, application_id, country=country)
    if not country:
        return (base,)
    if not cells:
        return (replace(base, reason=Reason.NO_POLICY),)
    return tuple(_in_cell(base, cell, dates.get(cell.trigger)) for cell in cells)


def _in_cell(base: Ground, cell: CellRef, dated: Dated | None) -> Ground:
    named = replace(
        base, rule=cell.rule, cell=cell.id, trigger=cell.trigger, outlives=cell.outlives
    )
    if dated is None:
        return replace(named, reason=Reason.NO_TRIGGER)
    return replace(named, reason=Reason.PERIOD, anchor=dated.on, approximate=dated.approximate)
