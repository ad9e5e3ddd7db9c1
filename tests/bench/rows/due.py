"""All due ids, and the first thousand, beside a plain partial index on a stored deadline; and a
change of period.

The peer is what an installation would have that stores each record's deadline: a table with a
partial index on it, read by the same role through the same connection. Its index does not
carry the id; the limit is the same with an index that does.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from django.db import connection

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import selectors, services
from config.embedded import RUNTIME
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, say, seconds
from tests.bench.rows import records, stage
from tests.bench.rows.records import Estate

_STORED: Final = f"""
    DROP TABLE IF EXISTS bench_stored, bench_covering;
    CREATE TABLE bench_stored (
        id uuid PRIMARY KEY, controller_id uuid NOT NULL, state text NOT NULL, deadline date
    );
    INSERT INTO bench_stored
    SELECT id, controller_id, state, deadline FROM subjects_record JOIN (
        SELECT record_id, max((g.anchor + p.duration::interval)::date) AS deadline
        FROM retention_ground g JOIN retention_period p ON p.cell_id = g.cell_id
        GROUP BY record_id
    ) ends ON record_id = id;
    CREATE TABLE bench_covering AS TABLE bench_stored;
    CREATE INDEX ON bench_stored (controller_id, deadline) WHERE state <> 'erased';
    CREATE INDEX ON bench_covering (controller_id, deadline) INCLUDE (id)
        WHERE state <> 'erased';
    GRANT SELECT ON bench_stored, bench_covering TO {RUNTIME};
"""  # noqa: S608 - constants only
_ASK: Final = """
    SELECT id FROM {} WHERE controller_id = %s AND state <> 'erased' AND deadline < %s
"""
_FIRST: Final = 1_000
_ASK_FIRST: Final = """
    SELECT id FROM {} WHERE controller_id = %s AND state <> 'erased' AND deadline < %s
    ORDER BY deadline, id LIMIT %s
"""
#: What a change of period may write to, and what it must leave alone.
_WATCHED: Final = (
    "retention_period",
    "retention_ground",
    "subjects_record",
    "subjects_application",
    "subjects_change",
)
_WRITTEN: Final = """
    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
    WHERE relname = ANY(%s)
"""


def measure(run: Run) -> list[Row]:
    size = run.sized(1_000_000, 5_000)
    estate = records.estate("Bench")
    records.load_alone(estate, size)
    title = f"{size:,} records with one ground each"
    alone = _due(estate, run, title, Goal(2.5, "at most"), "due.alone")
    first = _first(estate, run, title, "due.first.alone")
    records.load_several(estate, size)
    title = f"{size:,} records, 30 % of them with two or three grounds"
    several = _due(estate, run, title, None, "due.several")
    return [
        alone,
        first,
        several,
        _first(estate, run, title, "due.first.several"),
        _change(estate, run),
    ]


def _due(estate: Estate, run: Run, title: str, goal: Goal | None, name: str) -> Row:
    _work_out(estate)
    with stage.admin() as it:
        it.execute(_STORED.encode())
        it.execute("VACUUM (ANALYZE)")
    found = {side: set(ask(estate)) for side, ask in _SIDES.items()}
    if not found["ours"] or found["ours"] != found["peer"] or found["peer"] != found["limit"]:
        counts = {side: len(ids) for side, ids in found.items()}
        raise AssertionError(f"the sides do not answer the same question: {counts}")
    figures = in_turn({side: partial(_milliseconds, side, estate) for side in _SIDES}, run)
    return Row(
        name,
        f"all due ids: {title}",
        "ms",
        figures["ours"],
        "a partial index on a stored deadline",
        figures["peer"],
        "the same with an index that covers the id",
        figures["limit"],
        goal,
        {"due": len(found["ours"])},
    )


def _first(estate: Estate, run: Run, title: str, name: str) -> Row:
    """On the tables that `_due` made."""
    sides: dict[str, Callable[[], list[UUID]]] = {
        "ours": partial(_ours_first, estate),
        "peer": partial(_stored_first, "bench_stored", estate),
        "limit": partial(_stored_first, "bench_covering", estate),
    }
    found = {side: ask() for side, ask in sides.items()}
    if not found["ours"] or not found["ours"] == found["peer"] == found["limit"]:
        raise AssertionError("the sides do not name the same records in the same order")
    figures = in_turn({side: partial(_median, ask) for side, ask in sides.items()}, run)
    return Row(
        name,
        f"the first {_FIRST:,} due, in order: {title}",
        "ms",
        figures["ours"],
        "a partial index on a stored deadline",
        figures["peer"],
        "the same with an index that covers the id",
        figures["limit"],
        Goal(20, "at most", of="ours"),
    )


def _ours_first(estate: Estate) -> list[UUID]:
    with scope.enter(estate.company.id):
        return [row.record_id for row in selectors.due(as_of=estate.today, limit=_FIRST)]


def _stored_first(table: str, estate: Estate) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_ASK_FIRST.format(table), [estate.company.id, estate.today, _FIRST])
        return [row[0] for row in cursor.fetchall()]


def _work_out(estate: Estate) -> None:
    say("working out the grounds")
    with scope.enter(estate.company.id):
        services.refresh_all(actor=SYSTEM)


def _ours(estate: Estate) -> list[UUID]:
    with scope.enter(estate.company.id):
        return selectors.due_ids(as_of=estate.today)


def _stored(table: str, estate: Estate) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_ASK.format(table), [estate.company.id, estate.today])
        return [row[0] for row in cursor.fetchall()]


_SIDES: Final[Mapping[str, Callable[[Estate], list[UUID]]]] = {
    "ours": _ours,
    "peer": partial(_stored, "bench_stored"),
    "limit": partial(_stored, "bench_covering"),
}
_ASKED: Final = 5


def _milliseconds(side: str, estate: Estate) -> float:
    return _median(partial(_SIDES[side], estate))


def _median(ask: Callable[[], object]) -> float:
    """The median of a few in a row, as one call takes little more than a tick."""
    return statistics.median(seconds(ask) * 1_000 for _ in range(_ASKED))


def _change(estate: Estate, run: Run) -> Row:
    """The DPO halves a period, then restores it: how many rows, and is it effective at once."""
    written, effects = [], []
    for number in range(run.rounds):
        before, due = _rows_written(), len(_ours(estate))
        with scope.enter(estate.company.id):
            services.override(
                actor=estate.company.dpo,
                policy_id=estate.policy_id,
                rule="spontaneous",
                duration="P1M" if number % 2 == 0 else "P3M",
                reason="Measured.",
            )
        now_due = len(_ours(estate))
        effects.append(f"{due:,} → {now_due:,} due")
        after = _rows_written()
        written.append(float(sum(after[table] - before[table] for table in _WATCHED)))
        if due == now_due:
            raise AssertionError("the change of period was not effective")
    return Row(
        "due.change",
        "a change of period: rows written to periods, grounds and facts, effective at once",
        "rows",
        written,
        goal=Goal(1, "at most", of="ours"),
        notes={"effect": effects[0], "beside them": "the signed override, one ledger entry"},
    )


def _rows_written() -> dict[str, int]:
    """What this session wrote is counted when it says so: statistics lag otherwise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_WRITTEN, [list(_WATCHED)])
        return dict(cursor.fetchall())
