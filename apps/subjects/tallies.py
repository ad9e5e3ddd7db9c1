"""What stays of who was erased: counters, by month. Never a row, so that nothing leads back.

Each counter crosses one thing with how it ended: month × job × outcome, month × region × outcome …
A counter of everything at once would be a row with a name left out. They are counted in the
transaction that forgets the record, by the month of the erasure; only months that are over are
shown. So a figure never moves once it is seen, and no two looks at it differ by one person.

A record counts once in each counter, whatever the number of its applications there. Shown and
exported only as `suppression.protect` leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.controllers import selectors as controllers
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.lookups import Array, array
from apps.subjects import suppression
from apps.subjects.models import Application, Tally

OUTCOMES: Final = tuple(Application.State.values)
#: Days from application to decision, as the counters name them: up to each, and beyond.
SPANS: Final = (7, 14, 30, 60, 90)
#: Values of a dimension that a page shows, the largest first.
MOST: Final = 200

_SPAN: Final = f"""
    CASE WHEN a.applied_on IS NULL OR a.closed_on IS NULL OR a.closed_on < a.applied_on THEN ''
    {" ".join(f"WHEN a.closed_on - a.applied_on <= {days} THEN '{days}'" for days in SPANS)}
    ELSE 'more' END
"""
# In one order, so that two transactions never wait for each other's counters.
_COUNT: Final = f"""
    INSERT INTO subjects_tally (controller_id, month, dimension, value, outcome, count)
    SELECT %(controller)s, %(month)s, dimension, value, state, n FROM (
        SELECT state, count(DISTINCT record_id) AS n,
               CASE GROUPING(job, region, source, stage, decision)
                   WHEN 15 THEN 'job' WHEN 23 THEN 'region' WHEN 27 THEN 'source'
                   WHEN 29 THEN 'stage' ELSE 'decision' END AS dimension,
               coalesce(job, region, source, stage, decision) AS value
        FROM (SELECT a.record_id, a.state, left(a.job, 200) AS job, a.country AS region,
                     r.origin AS source, coalesce(s.stage, '') AS stage, {_SPAN} AS decision
              FROM subjects_application a
              JOIN subjects_record r
                ON r.id = a.record_id AND r.id = ANY(%(records)s::uuid[])
              LEFT JOIN subjects_standing s ON s.id = a.standing_id
              WHERE a.controller_id = %(controller)s
                AND a.record_id = ANY(%(records)s::uuid[])) forgotten
        GROUP BY GROUPING SETS ((job, state), (region, state), (source, state), (stage, state),
                                (decision, state))
    ) counted
    ORDER BY dimension, value, state
    ON CONFLICT (controller_id, month, dimension, value, outcome)
    DO UPDATE SET count = subjects_tally.count + excluded.count
"""  # noqa: S608 - constants only; values are parameters


@dataclass(frozen=True, slots=True)
class Row:
    value: str
    #: By outcome, then all of them; None: hidden.
    counts: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    dimension: str
    outcomes: tuple[str, ...]
    rows: tuple[Row, ...]
    totals: tuple[int | None, ...]

    @property
    def hidden(self) -> int:
        lines = (*(row.counts for row in self.rows), self.totals)
        return sum(count is None for line in lines for count in line)


def count(*, actor: Actor, record_ids: Array | Sequence[UUID]) -> None:
    """Before these records' applications are forgotten, in the transaction whose entries name the
    actor."""
    today = clock.today(controllers.current().time_zone)
    given: dict[str, Any] = {
        "controller": scope.current(),
        "month": today.replace(day=1),
        "records": array(record_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, given)


def months() -> list[date]:
    """First days of the months that are over and have figures, the newest first."""
    rows = Tally.objects.filter(month__lt=_this_month()).order_by("-month")
    return list(rows.values_list("month", flat=True).distinct())


def per_month() -> dict[date, int]:
    """How many applications were forgotten in each month that is over (several of one record to one
    job with one outcome are one); none where the tables of that month hide it."""
    found = {}
    for month in months():
        table = next(iter(tables(month)), None)
        if table is not None and table.totals and table.totals[-1] is not None:
            found[month] = table.totals[-1]
    return found


def tables(month: date) -> list[Table]:
    """One for each dimension, protected together: they share their totals. Empty for a month that
    is not over."""
    if month >= _this_month():
        return []
    found: dict[str, dict[str, dict[str, int]]] = {one: {} for one in Tally.Dimension.values}
    rows = Tally.objects.filter(month=month)
    for dimension, value, outcome, n in rows.values_list("dimension", "value", "outcome", "count"):
        found[dimension].setdefault(value, {})[outcome] = n
    lines = [line for by_value in found.values() for line in by_value.values()]
    outcomes = tuple(one for one in OUTCOMES if any(one in line for line in lines))
    values = {one: _ordered(one, found[one]) for one in found}
    counts = [
        [[found[one][value].get(outcome, 0) for outcome in outcomes] for value in values[one]]
        for one in found
    ]
    shown = suppression.protect_alike(counts)
    return [
        _table(one, outcomes, values[one], table.rows)
        for one, table in zip(found, shown, strict=True)
    ]


def _ordered(dimension: str, found: dict[str, dict[str, int]]) -> list[str]:
    """The largest first; spans of days in their own order."""
    if dimension == Tally.Dimension.DECISION:
        return [one for one in (*map(str, SPANS), "more", "") if one in found]
    return sorted(found, key=lambda one: (-sum(found[one].values()), one))


def _table(
    dimension: str,
    outcomes: tuple[str, ...],
    values: list[str],
    shown: tuple[tuple[int | None, ...], ...],
) -> Table:
    if not shown:
        return Table(dimension, outcomes, (), ())
    lines = [Row(value, line) for value, line in zip(values, shown[:-1], strict=True)]
    return Table(dimension, outcomes, tuple(lines[:MOST]), shown[-1])


def _this_month() -> date:
    return clock.today(controllers.current().time_zone).replace(day=1)
