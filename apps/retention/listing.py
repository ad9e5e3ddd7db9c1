"""Many records with their outcome at once: what lists show and filter by.

The same verdict as `explain` gives for one record (a test compares the two), read from the
stored grounds. A record whose facts are newer than its grounds is shown by its old ones for
the moment; one that has none yet is absent from a list by outcome.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from apps.retention import due_sql as sql
from apps.retention import facts, first_due, labels
from apps.retention.grounds_sql import put
from apps.retention.rules import Reason
from apps.subjects.models import Record

OUTCOMES = ("due", "archive", "kept", "held", "undecided")


@dataclass(frozen=True, slots=True)
class Summary:
    """One record of a list. `due_on` is the first local day it is due, None without an end."""

    record_id: UUID
    outcome: str
    rule: str
    reason: Reason
    due_on: date | None

    @property
    def label(self) -> str:
        """Why, in a few words of the reader's language."""
        named = self.reason is Reason.PERIOD and self.rule
        return labels.rule(self.rule) if named else str(labels.REASONS[self.reason])


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records of a list; what is empty is any."""

    outcome: str = ""
    reason: Reason | None = None
    rule: str = ""
    connection_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Every record that was not erased, counted by what can be filtered by."""

    counted: Mapping[tuple[str, Reason, str, UUID], int]

    def of(self, chosen: Filter) -> int:
        return sum(
            count
            for (outcome, reason, rule, connection_id), count in self.counted.items()
            if chosen.outcome in {"", outcome}
            and chosen.reason in {None, reason}
            and chosen.rule in {"", rule}
            and chosen.connection_id in {None, connection_id}
        )

    @property
    def rules(self) -> list[str]:
        """The rules that decide anything."""
        return sorted({rule for _outcome, _reason, rule, _connection in self.counted if rule})

    @property
    def undecided(self) -> dict[Reason, int]:
        """How many records cannot be decided, by what is missing; the most first. A rule that
        is switched off by itself is Reason.PERIOD."""
        found: Counter[Reason] = Counter()
        for (outcome, reason, _rule, _connection), count in self.counted.items():
            if outcome == "undecided":
                found[reason] += count
        return dict(found.most_common())


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the next one begins after it."""

    due_on: str
    record_id: UUID

    def __str__(self) -> str:
        return f"{self.due_on}_{self.record_id}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """None for anything that is no cursor: a list then starts at the top."""
        on, _, pk = text.partition("_")
        try:
            if on != _NEVER:
                date.fromisoformat(on)
            return cls(on, UUID(pk))
        except ValueError:
            return None


_NEVER = "infinity"
#: What DUE names as the rule of those who are due by no period.
_AT_ONCE = {"resurrected": Reason.RESURRECTED, "erasure": Reason.ERASURE_ACCEPTED}
# As COUNTS of due_sql.py, with the ground that decides kept for showing.
_LISTED = f"""
WITH RECURSIVE {sql.PERIOD}, {sql.HELD},
judged AS (
    SELECT g.record_id, {sql.WEIGHT} AS weight, g.anchor,
           CASE g.reason WHEN 10 THEN 'erasure' ELSE coalesce(p.rule, c.rule, '') END AS rule,
           CASE WHEN g.cell_id IS NOT NULL AND p.id IS NULL THEN 3
                WHEN NOT p.off AND g.anchor > %(ahead)s THEN 20 ELSE g.reason END AS reason,
           CASE WHEN g.reason IN (8, 10) THEN g.anchor
                WHEN g.anchor <= %(ahead)s THEN (g.anchor + p.span)::date END AS ends_on
    FROM retention_ground g
    LEFT JOIN period p ON p.id = g.cell_id LEFT JOIN retention_cell c ON c.id = g.cell_id
    WHERE g.controller_id = %(controller)s
      AND (%(everyone)s OR g.record_id = ANY(%(records)s::uuid[]))
),
verdict AS (
    SELECT DISTINCT ON (record_id) record_id, weight, rule, reason,
           CASE WHEN weight = 2 THEN coalesce(
                    max(CASE WHEN reason IN (8, 10) THEN ends_on ELSE ends_on + 1 END)
                        FILTER (WHERE weight = 1) OVER (PARTITION BY record_id),
                    max(anchor) FILTER (WHERE weight = 2) OVER (PARTITION BY record_id))
                WHEN reason IN (8, 10) THEN ends_on ELSE ends_on + 1 END AS due_on
    FROM judged
    ORDER BY record_id, weight DESC,
             ends_on + CASE WHEN reason IN (8, 10) THEN 0 ELSE 1 END DESC NULLS LAST,
             rule COLLATE "C"
),
listed AS (
    SELECT r.record_id, r.rule, r.reason, r.due_on,
           CASE WHEN h.id IS NOT NULL THEN 'held' ELSE {sql.OUTCOME} END AS outcome
    FROM verdict r LEFT JOIN held h ON h.id = r.record_id
)
"""  # noqa: S608 - constants only; values are parameters
_SUMMARIES = _LISTED + "SELECT record_id, outcome, rule, reason, due_on FROM listed"  # noqa: S608 - constants only
_PAGE = f"""
{_LISTED}
SELECT l.record_id, l.outcome, l.rule, l.reason, l.due_on
FROM listed l JOIN subjects_record r ON r.id = l.record_id
WHERE (%(outcome)s = '' OR l.outcome = %(outcome)s)
  AND (%(reason)s::smallint IS NULL OR l.reason = %(reason)s::smallint)
  AND (%(rule)s = '' OR l.rule = %(rule)s)
  AND (%(connection)s::uuid IS NULL OR r.connection_id = %(connection)s::uuid)
  AND r.state <> 'erased'
  AND (coalesce(l.due_on, 'infinity'), l.record_id) > (%(after_day)s::date, %(after_id)s::uuid)
ORDER BY coalesce(l.due_on, 'infinity'), l.record_id LIMIT %(shown)s
"""  # noqa: S608 - constants only; values are parameters
# The two queues are read from the indexes that `due` reads, not from every record.
_QUEUED = """
SELECT q.record_id, '$outcome', q.rule, q.reason, q.due_on
FROM (SELECT record_id, rule, due_on,
             CASE rule WHEN 'resurrected' THEN 8 WHEN 'erasure' THEN 10 ELSE 0 END AS reason
      FROM ($queue) queue) q
WHERE (%(reason)s::smallint IS NULL OR q.reason = %(reason)s::smallint)
  AND (%(rule)s = '' OR q.rule = %(rule)s)
  AND (q.due_on, q.record_id) > (%(after_day)s::date, %(after_id)s::uuid)
ORDER BY q.due_on, q.record_id LIMIT %(shown)s
"""
_QUEUES = {
    "due": put(_QUEUED, outcome="due", queue=sql.DUE),
    "archive": put(_QUEUED, outcome="archive", queue=sql.ARCHIVE),
}
_TALLY = f"""
{_LISTED}
SELECT l.outcome, l.reason, l.rule, r.connection_id, count(*)
FROM listed l JOIN subjects_record r ON r.id = l.record_id WHERE r.state <> 'erased'
GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - constants only; values are parameters
_WITH_OUTCOME = _LISTED + "SELECT record_id FROM listed WHERE outcome = %(outcome)s"  # noqa: S608 - constants only


def page(
    *,
    as_of: date,
    chosen: Filter | None = None,
    after: Cursor | None = None,
    limit: int = 50,
) -> list[Summary]:
    """Records that were not erased, the longest due first, those without a date last."""
    asked = chosen or Filter()
    if asked.outcome == "due" and asked.reason is None and not asked.rule:
        return _first_due(as_of, asked, after, limit)
    start = after or Cursor("-infinity", UUID(int=0))
    given = _given(as_of) | {
        "outcome": asked.outcome,
        "reason": None if asked.reason is None else asked.reason.value,
        "rule": asked.rule,
        "connection": asked.connection_id,
        "after_day": start.due_on,
        "after_id": start.record_id,
        "limit": None,
        "shown": limit,
    }
    return _rows(_QUEUES.get(asked.outcome, _PAGE), given)


def _first_due(as_of: date, asked: Filter, after: Cursor | None, limit: int) -> list[Summary]:
    if after is not None and after.due_on == _NEVER:
        return []
    start = None
    if after is not None:
        start = first_due.After(date.fromisoformat(after.due_on), after.record_id)
    rows = first_due.read(as_of=as_of, limit=limit, after=start, connection_id=asked.connection_id)
    return [
        Summary(pk, "due", rule, _AT_ONCE.get(rule, Reason.PERIOD), due_on)
        for pk, _version, rule, due_on, _cell in rows
    ]


def tally(*, as_of: date) -> Tally:
    """All that lists count, by one statement."""
    with connection.cursor() as found:
        found.execute(_TALLY, _given(as_of))
        rows: list[tuple[str, int, str, UUID, int]] = found.fetchall()
    return Tally({(what, Reason(why), rule, ats): count for what, why, rule, ats, count in rows})


def cursor(row: Summary) -> Cursor:
    return Cursor(row.due_on.isoformat() if row.due_on else _NEVER, row.record_id)


def summaries(record_ids: Sequence[UUID], *, as_of: date) -> dict[UUID, Summary]:
    """The same for records somebody chose; erased ones and those not worked out are absent."""
    given = _given(as_of, record_ids)
    return {row.record_id: row for row in _rows(_SUMMARIES, given)}


def where_outcome(rows: QuerySet[Record], outcome: str, *, as_of: date) -> QuerySet[Record]:
    """The records of a queryset with one of OUTCOMES, still a queryset."""
    given = _given(as_of) | {"outcome": outcome}
    return rows.filter(pk__in=RawSQL(*_by_position(_WITH_OUTCOME, given)))  # noqa: S611 - our text


def _given(as_of: date, record_ids: Sequence[UUID] | None = None) -> dict[str, Any]:
    chosen = {"everyone": record_ids is None, "records": list(record_ids or ())}
    return facts.now_in_force(as_of) | chosen


def _rows(statement: str, given: dict[str, Any]) -> list[Summary]:
    with connection.cursor() as found:
        found.execute(statement, given)
        rows: list[tuple[Any, ...]] = found.fetchall()
    return [Summary(pk, what, rule, Reason(why), due_on) for pk, what, rule, why, due_on in rows]


def _by_position(statement: str, given: dict[str, Any]) -> tuple[str, list[Any]]:
    """Django numbers the parameters of a subquery; ours have names."""
    names = re.findall(r"%\((\w+)\)s", statement)
    return re.sub(r"%\(\w+\)s", "%s", statement), [given[name] for name in names]
