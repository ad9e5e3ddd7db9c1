"""Reads for the rule: facts of records, cells, periods in force, who is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any
from uuid import UUID

from apps.consents import selectors as consents
from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.retention.models import Cell, Hold, Period, Policy
from apps.retention.periods import cutoff
from apps.retention.rules import ApplicationFacts, Book, CellRef, Dated, Facts
from apps.subjects import selectors as subjects
from apps.subjects.models import Application, Record

_LIVING = (ConsentEvent.State.GIVEN, ConsentEvent.State.RENEWED)


def cells() -> list[Cell]:
    """Cells of the scope that hold for every job."""
    return list(Cell.objects.filter(job="").order_by("pk"))


def book_of(found: Iterable[tuple[int, str, str, str]]) -> Book:
    """From (id, country, rule, trigger) of each cell."""
    by_case: dict[tuple[str, str], list[CellRef]] = defaultdict(list)
    for cell_id, country, rule, trigger in found:
        by_case[country, rule.partition(".")[0]].append(CellRef(cell_id, rule, trigger))
    return Book({case: tuple(refs) for case, refs in by_case.items()})


def book() -> Book:
    return book_of((one.pk, one.country, one.rule, one.trigger) for one in cells())


def in_force(as_of: date) -> list[tuple[int, str, str]]:
    """(cell, rule, duration) of the period in force of each cell on a day: of the latest
    active_from, the latest written."""
    rows = (
        Period.objects.filter(active_from__lte=as_of, cell__job="")
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


def cell_arrays(found: Sequence[tuple[int, str, str, str]]) -> dict[str, Any]:
    """Cells as the parallel arrays that grounds_sql.py takes."""
    columns = [list(column) for column in zip(*found, strict=True)] if found else [[], [], [], []]
    return dict(zip(("cells", "countries", "rules", "triggers"), columns, strict=True))


def period_arrays(found: Sequence[tuple[int, str, str]], as_of: date) -> dict[str, Any]:
    """(cell, rule, duration) as parallel arrays, each with the cut-off of the pure rule."""
    durations = [duration for _, _, duration in found]
    ends = {text: cutoff(text, as_of) for text in set(durations) if text}
    return {
        "controller": scope.current(),
        "period_cells": [cell_id for cell_id, _, _ in found],
        "period_rules": [rule for _, rule, _ in found],
        "period_durations": durations,
        "period_cutoffs": [ends.get(text) for text in durations],
        "any_off": "" in durations,
    }


def now_in_force(as_of: date) -> dict[str, Any]:
    """The parameters of `due` and `counts` on a day."""
    return period_arrays(in_force(as_of), as_of)


def of(record_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """What is known of each record in scope."""
    rows = Record.objects.select_related("connection").filter(pk__in=list(record_ids))
    applications = defaultdict(list)
    for one in Application.objects.filter(record_id__in=list(record_ids)).order_by("pk"):
        applications[one.record_id].append(_application(one))
    return {row.pk: _record(row, tuple(applications[row.pk])) for row in rows}


def _record(row: Record, applications: tuple[ApplicationFacts, ...]) -> Facts:
    return Facts(
        record_id=row.pk,
        version=row.version,
        state=row.state,
        origin=row.origin,
        country=row.connection.country,
        collected=_dated(row.collected_on, row.collected_quality),
        consented_on=consented_on(row.subject_id),
        returned_on=row.seen_at.astimezone(UTC).date(),
        applications=applications,
    )


def _application(one: Application) -> ApplicationFacts:
    return ApplicationFacts(
        id=one.pk,
        state=one.state,
        prospect=one.prospect,
        job=one.job,
        country=one.country,
        applied=_dated(one.applied_on, one.applied_quality),
        closed=_dated(one.closed_on, one.closed_quality),
        rejected_notified=_dated(one.rejected_notified_on, one.rejected_notified_quality),
        hire_started=_dated(one.hire_started_on, one.hire_started_quality),
    )


def _dated(on: date | None, quality: str) -> Dated | None:
    return None if on is None or quality == "missing" else Dated(on, quality == "approximate")


def consented_on(subject_id: UUID) -> date | None:
    """Effective date of the talent-pool consent that lives in the family, if one does.

    What each subject of the family said last counts; of several, what was said on the latest
    day, then what was written down last.
    """
    family = subjects.family(subject_id)
    said = consents.current(family, ConsentEvent.Purpose.TALENT_POOL).values()
    last = max(said, key=lambda one: (one.effective_on, one.recorded_at, one.pk), default=None)
    return last.effective_on if last is not None and last.state in _LIVING else None


def living_holds(subject_id: UUID) -> list[Hold]:
    """Holds not released on anyone of the family, the first placed first."""
    family = subjects.family(subject_id)
    return list(Hold.objects.filter(subject_id__in=family, released_at=None).order_by("pk"))
