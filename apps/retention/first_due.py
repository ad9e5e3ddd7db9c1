"""The first of what is due, in order, without looking at all of it.

Whoever is due on a day of the past was due by that day's own cut-offs. So a queue is read some
days at a time, from the first on which anything may be due, as many days as hold about as many
grounds as are asked for: where records have one ground, a page costs the same among one million
of them as among ten. A test compares every page with the whole queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.retention import due_sql, facts
from apps.retention import first_due_sql as sql
from apps.retention.facts import Place
from apps.retention.periods import cutoff, parse
from apps.retention.rules import ARCHIVE

Row = tuple[Any, ...]

#: Days that are tried first.
_DAYS: Final = 512
#: Grounds to begin with beyond those asked for: fewer queries where few of them are due.
_SPARE: Final = 2_000
#: Where so many grounds were looked up in vain, nearly everybody has another that lives: reading
#: the rest in one go is cheaper then.
_PATIENCE: Final = 5_000
#: Days.
_SHORTEST_MONTH: Final = 28


@dataclass(frozen=True, slots=True)
class After:
    """Begin after this row."""

    due_on: date
    record_id: UUID


def read(
    *,
    as_of: date,
    limit: int,
    after: After | None = None,
    connection_id: UUID | None = None,
    days: int = _DAYS,
    spare: int = _SPARE,
    patience: int = _PATIENCE,
) -> list[Row]:
    """The first rows of due_sql.DUE after one of them: by day, then by record.

    `days`, `spare` and `patience` change how it is read and never what comes out.
    """
    by_query = facts.holding_by_query()
    between = sql.DUE_BETWEEN if by_query else sql.DUE_BETWEEN_NAMED
    found = facts.in_force(as_of)
    parts = roles(found, facts.places(facts.cells()))
    given = facts.period_arrays(found, as_of) | facts.meant_by_holds(by_query)
    given |= {
        "connection": connection_id,
        "period_leads": [one.leads for one in parts],
        "period_accompanied": [one.accompanied for one in parts],
        "after_day": after.due_on if after else "-infinity",
        "after_id": after.record_id if after else UUID(int=0),
    }
    first = after.due_on if after else _one(sql.FIRST_END, given)
    since = _before(as_of if first is None else min(first, as_of))
    rows: list[Row] = []
    in_vain = 0
    while since < as_of and len(rows) < limit:
        given["limit"] = limit - len(rows)
        whole = in_vain > patience
        days = min(days, (as_of - since).days)
        until = as_of if whole else since + timedelta(days=days)
        given |= _window(found, since, until, as_of)
        most = given["limit"] + spare
        ending = 0 if whole else _one(sql.ENDING_BETWEEN, given | {"most": most + 1})
        if ending > most and days > 1:
            days = max(1, days // 4)
            continue
        found_now = _rows(_REST if whole else between, given)
        rows += found_now
        since, in_vain = until, in_vain + ending - len(found_now)
        days *= 2 if ending > most // 4 else 8
    return rows


_REST: Final = f"""
    SELECT * FROM ({due_sql.ALL_DUE}) q
    WHERE q.due_on > %(since)s
      AND (q.due_on, q.record_id) > (%(after_day)s::date, %(after_id)s::uuid)
    ORDER BY q.due_on, q.record_id LIMIT %(limit)s
"""  # noqa: S608 - constants only; values are parameters


@dataclass(frozen=True, slots=True)
class Roles:
    """What grounds of a cell can be among those of a record that is due."""

    #: The last to end. That of an active phase cannot where an archive follows it: the same event
    #: begins both, and the archive's period is never the shorter one.
    leads: bool
    #: Never there without one of the archive that follows it: nobody is due before that one ended.
    accompanied: bool


def roles(found: Sequence[tuple[int, str, str]], places: Iterable[Place]) -> list[Roles]:
    """For each period in force."""
    in_force = {cell_id: duration for cell_id, _, duration in found if duration}
    by_case: dict[tuple[str, str, str], dict[str, Place]] = defaultdict(dict)
    where: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for one in places:
        case = (one.country, one.base, one.job)
        by_case[case][one.rule] = one
        where[one.id].append(case)
    listed = []
    for cell_id, _rule, _duration in found:
        pairs = [_phases(cell_id, by_case[case], in_force) for case in where[cell_id]]
        beside = bool(pairs) and all(archive is not None for _own, archive in pairs)
        outlived = beside and all(_outlived(own, archive, in_force) for own, archive in pairs)
        listed.append(Roles(leads=not outlived, accompanied=beside))
    return listed


def _phases(
    cell_id: int, case: Mapping[str, Place], in_force: Mapping[int, str]
) -> tuple[Place, Place | None]:
    """A cell, and the archive that follows it, if that is in force and stays wherever it does."""
    (own,) = [one for one in case.values() if one.id == cell_id]
    archive = case.get(own.rule + ARCHIVE)
    if archive is None or cell_id not in in_force or archive.id not in in_force:
        return own, None
    return own, archive if archive.outlives or not own.outlives else None


def _outlived(own: Place, archive: Place | None, in_force: Mapping[int, str]) -> bool:
    """Whether the archive never ends first, whatever day the two begin on."""
    if archive is None or archive.trigger != own.trigger:
        return False
    shorter, longer = parse(in_force[own.id]), parse(in_force[archive.id])
    months = longer.months - shorter.months
    return months >= 0 and months * _SHORTEST_MONTH + longer.days >= shorter.days


def _window(
    found: Sequence[tuple[int, str, str]], since: date, until: date, as_of: date
) -> dict[str, Any]:
    """The parameters of the days after `since` up to `until`. What is due at once may bear a
    day to come: on the last day it belongs to the queue as well."""
    durations = {duration for _, _, duration in found if duration}
    floors = {one: cutoff(one, since) for one in durations}
    cutoffs = {one: cutoff(one, until) for one in durations}
    return {
        "since": since,
        "until": until if until < as_of else None,
        "period_floors": [floors.get(duration) for _, _, duration in found],
        "period_cutoffs": [cutoffs.get(duration) for _, _, duration in found],
    }


def _before(day: date) -> date:
    return day - timedelta(days=1) if day > date.min else day


def _one(statement: str, given: Mapping[str, Any]) -> Any:
    return _rows(statement, given)[0][0]


def _rows(statement: str, given: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(given))
        return cursor.fetchall()  # type: ignore[no-any-return]  # a list of rows
