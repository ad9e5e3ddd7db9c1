"""Reads for the rule: facts of records, cells, periods in force, who is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import Any
from uuid import UUID

from django.db.models import Min

from apps.consents import selectors as consents
from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.retention import hold_rules, mapped
from apps.retention.derivation import ApplicationFacts, Book, CellRef, Dated, Facts
from apps.retention.hold_rules import Query
from apps.retention.meanings import Stands
from apps.retention.models import (
    Cell,
    ErasureRequirement,
    Hold,
    HoldCase,
    Period,
    Policy,
    Restriction,
)
from apps.retention.periods import cutoff
from apps.retention.rules import AHEAD
from apps.subjects import selectors as subjects
from apps.subjects.models import Application, Record

_LIVING = (ConsentEvent.State.GIVEN, ConsentEvent.State.RENEWED)


#: Rules of a person rather than of an application, for which a last contact is always known.
_OF_PERSON = ("talent_pool", "sourced_informed")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule applies, as `Book` and grounds_sql.py take it; `job` "" is any job."""

    id: int
    country: str
    rule: str
    trigger: str
    job: str = ""
    outlives: bool = False

    @property
    def base(self) -> str:
        return self.rule.partition(".")[0]


def cells() -> list[Cell]:
    """Cells of the scope."""
    return list(Cell.objects.order_by("pk"))


def stored_places(found: Iterable[Cell]) -> list[Place]:
    return [
        Place(one.pk, one.country, one.rule, one.trigger, one.job, one.outlives) for one in found
    ]


def places(found: Iterable[Cell]) -> list[Place]:
    return spread(stored_places(found))


def spread(found: Iterable[Place]) -> list[Place]:
    """With every phase of the rule for each job that has a period of its own: a job that
    departs in one phase follows its country in the other."""
    stored = list(found)
    own = {(one.country, one.rule, one.job) for one in stored}
    jobs = sorted({(one.country, one.base, one.job) for one in stored if one.job})
    followed = [
        replace(one, job=job)
        for one in stored
        for country, base, job in jobs
        if (one.country, one.base, one.job) == (country, base, "")
        and (country, one.rule, job) not in own
    ]
    return stored + followed


def book_of(found: Iterable[Place]) -> Book:
    by_case: dict[tuple[str, str, str], list[CellRef]] = defaultdict(list)
    for one in found:
        ref = CellRef(one.id, one.rule, one.trigger, one.outlives)
        by_case[one.country, one.base, one.job].append(ref)
    return Book({case: tuple(refs) for case, refs in by_case.items()})


def book() -> Book:
    return book_of(places(cells()))


def in_force(as_of: date) -> list[tuple[int, str, str]]:
    """(cell, rule, duration) of the period in force of each cell on a day: of the latest
    active_from, the latest written."""
    rows = (
        Period.objects.filter(active_from__lte=as_of)
        .order_by("cell_id", "-active_from", "-pk")
        .distinct("cell_id")
    )
    return list(rows.values_list("cell_id", "cell__rule", "duration"))


def periods(as_of: date) -> dict[int, str]:
    """The period in force of each cell on a day; a cell without one is absent."""
    return {cell_id: duration for cell_id, _, duration in in_force(as_of)}


def governing(cell_ids: Iterable[int], as_of: date) -> dict[int, Policy]:
    """The policy version behind the period in force of each of these cells on a day."""
    rows = (
        Period.objects.filter(cell_id__in=set(cell_ids), active_from__lte=as_of)
        .select_related("policy")
        .order_by("cell_id", "-active_from", "-pk")
        .distinct("cell_id")
    )
    return {row.cell_id: row.policy for row in rows}


def cell_arrays(found: Sequence[Place]) -> dict[str, Any]:
    """Places as the parallel arrays that grounds_sql.py takes."""
    return {
        "cells": [one.id for one in found],
        "countries": [one.country for one in found],
        "rules": [one.rule for one in found],
        "jobs": [one.job for one in found],
        "triggers": [one.trigger for one in found],
        "outlive": [one.outlives for one in found],
        "by_contact": any(
            one.trigger == "last_contact" and one.base not in _OF_PERSON for one in found
        ),
    }


def period_arrays(
    found: Sequence[tuple[int, str, str]], as_of: date, *, prefix: str = "period"
) -> dict[str, Any]:
    """(cell, rule, duration) as parallel arrays, each with the cut-off of the pure rule."""
    durations = [duration for _, _, duration in found]
    ends = {text: cutoff(text, as_of) for text in set(durations) if text}
    return {
        "controller": scope.current(),
        f"{prefix}_cells": [cell_id for cell_id, _, _ in found],
        f"{prefix}_rules": [rule for _, rule, _ in found],
        f"{prefix}_durations": durations,
        f"{prefix}_cutoffs": [ends.get(text) for text in durations],
        **({"any_off": "" in durations} if prefix == "period" else {}),
        "ahead": as_of + AHEAD,
    }


def now_in_force(as_of: date) -> dict[str, Any]:
    """The parameters of `due` and `counts` on a day."""
    return period_arrays(in_force(as_of), as_of) | meant_by_holds(holding_by_query())


def meant_by_holds(by_query: bool) -> dict[str, Any]:
    """What a mapping says, as far as somebody is held by what an application is."""
    return mapped.now() if by_query else mapped.arrays(mapped.Book({}, {}))


def holding_by_query() -> bool:
    """Whether a case holds whoever meets its criteria."""
    return HoldCase.objects.filter(by_query=True, released_at=None).exists()


def of(record_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """What is known of each record in scope."""
    rows = Record.objects.select_related("connection").filter(pk__in=list(record_ids))
    applications = defaultdict(list)
    meant = mapped.book()
    for one in Application.objects.filter(record_id__in=list(record_ids)).order_by("pk"):
        applications[one.record_id].append(_application(one, meant))
    return {row.pk: _record(row, tuple(applications[row.pk])) for row in rows}


def _record(row: Record, applications: tuple[ApplicationFacts, ...]) -> Facts:
    family = subjects.family(row.subject_id)
    return Facts(
        record_id=row.pk,
        connection_id=row.connection_id,
        version=row.version,
        state=row.state,
        origin=row.origin,
        country=row.connection.country,
        collected=_dated(row.collected_on, row.collected_quality),
        consented_on=consented_on(family),
        contacted_on=subjects.last_contact(family),
        informed_on=consents.informed_on(family),
        restricted=restricted(family),
        erasure_required_on=erasure_required_on(family),
        returned_on=row.seen_at.astimezone(UTC).date(),
        applications=applications,
    )


def _application(one: Application, meant: mapped.Book) -> ApplicationFacts:
    native = Stands(one.state, one.prospect)
    standing = one.standing_id or 0
    found = meant.stands.get(standing, native)
    return ApplicationFacts(
        id=one.pk,
        state=found.state,
        prospect=found.prospect,
        word=meant.unmapped.get(standing, ""),
        job=one.job,
        country=one.country,
        applied=_dated(one.applied_on, one.applied_quality),
        closed=_dated(one.closed_on, one.closed_quality),
        rejected_notified=_dated(one.rejected_notified_on, one.rejected_notified_quality),
        hire_started=_dated(one.hire_started_on, one.hire_started_quality),
    )


def _dated(on: date | None, quality: str) -> Dated | None:
    return None if on is None or quality == "missing" else Dated(on, quality == "approximate")


def consented_on(family: Sequence[UUID]) -> date | None:
    """Effective date of the talent-pool consent that lives in a family, if one does.

    What each subject of the family said last counts; of several, what was said on the latest
    day, then what was written down last.
    """
    said = consents.current(family, ConsentEvent.Purpose.TALENT_POOL).values()
    last = max(said, key=lambda one: (one.effective_on, one.recorded_at, one.pk), default=None)
    return last.effective_on if last is not None and last.state in _LIVING else None


def restricted(family: Sequence[UUID]) -> bool:
    """Whether a restriction (GDPR art. 18(1)(b), (c)) lives on anyone of a family."""
    living = Restriction.objects.filter(subject_id__in=list(family), lifted_at=None)
    return living.exists()


def erasure_required_on(family: Sequence[UUID]) -> date | None:
    """The first day from which an accepted request demands the erasure of a family."""
    living = ErasureRequirement.objects.filter(subject_id__in=list(family), cancelled_at=None)
    return living.aggregate(first=Min("required_on"))["first"]  # type: ignore[no-any-return]  # a date or None


def holding(subject_id: UUID) -> list[HoldCase]:
    """The cases that hold a person or anyone of the family, by name or by query, the first
    opened first."""
    family = subjects.family(subject_id)
    named = Hold.objects.filter(subject_id__in=family, released_at=None)
    found = {case.pk: case for case in HoldCase.objects.filter(holds__in=named)}
    asking = list(HoldCase.objects.filter(by_query=True, released_at=None))
    if asking:
        records = Record.objects.filter(subject_id__in=family).values_list("pk", flat=True)
        known = of(list(records)).values()
        for case in asking:
            if any(hold_rules.matches(query_of(case), one) for one in known):
                found[case.pk] = case
    return sorted(found.values(), key=lambda case: case.number)


def query_of(case: HoldCase) -> Query:
    return Query(
        connection_id=case.connection_id,
        countries=tuple(case.countries),
        jobs=tuple(case.jobs),
        states=tuple(case.states),
        applied_from=case.applied_from,
        applied_until=case.applied_until,
    )
