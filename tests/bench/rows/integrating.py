"""Pending entries placed, tiled and signed, beside a bare binary COPY of the same rows.

Both in batches of 10,000 with a durable commit each. The peer copies the very rows that were
placed into a table of the same columns with the same primary key; the limit copies them into
one without any index.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection, transaction
from psycopg import sql

from apps.audit import services as audit
from config.embedded import RUNTIME
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, one_by_one, seconds
from tests.bench.rows import ledger, stage

BATCH: Final = 10_000
_COLUMNS: Final = "log_id, index, verb, object_id, body"
_TYPES: Final = ("uuid", "int8", "text", "uuid", "bytea")
_TABLES: Final = f"""
    CREATE TABLE bench_heap (
        log_id uuid NOT NULL, index bigint NOT NULL, verb text NOT NULL, object_id uuid,
        body bytea NOT NULL
    );
    CREATE TABLE bench_keyed (LIKE bench_heap, PRIMARY KEY (log_id, index));
    GRANT INSERT ON bench_heap, bench_keyed TO {RUNTIME};
"""


def measure(run: Run) -> list[Row]:
    size = run.sized(100_000, 20_000)
    company = stage.company("Bench")
    audit.integrate()
    with stage.admin() as it:
        it.execute(_TABLES.encode())
    ledger.stage_entries(company.id, size)
    audit.integrate()
    rows = _placed(company.id, size)
    figures = in_turn(
        {
            "ours": lambda: _ours(company.id, size),
            "peer": lambda: _copy("bench_keyed", rows),
            "limit": lambda: _copy("bench_heap", rows),
        },
        run,
    )
    return [
        Row(
            "ledger.integrate",
            f"entries placed, tiled and signed, batches of {BATCH:,}",
            "entries/s",
            figures["ours"],
            "binary COPY of the same rows, same primary key",
            figures["peer"],
            "binary COPY of the same rows, no index",
            figures["limit"],
            Goal(0.30, "at least"),
        )
    ]


def _placed(log_id: UUID, size: int) -> list[tuple[Any, ...]]:
    with stage.admin() as it:
        query = sql.SQL("SELECT {} FROM audit_entry WHERE log_id = %s ORDER BY index LIMIT %s")
        chosen = query.format(sql.SQL(_COLUMNS))
        return it.execute(chosen, (log_id, size)).fetchall()


def _ours(log_id: UUID, size: int) -> float:
    stage.settle()
    # As the runner finds them: staged a moment ago, not since the last checkpoint of the server.
    ledger.stage_entries(log_id, size)
    return size / seconds(_integrate, log_id, size)


def _integrate(log_id: UUID, size: int) -> None:
    if audit.integrate(log_id=log_id, limit=BATCH) != size:
        raise AssertionError("not every entry was placed")


def _copy(table: str, rows: list[tuple[Any, ...]]) -> float:
    stage.empty(table)
    stage.settle()
    return len(rows) / seconds(one_by_one, partial(_batch, table), _batches(rows))


def _batches(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _batch(table: str, rows: list[tuple[Any, ...]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
    bare = statement.format(sql.Identifier(table), sql.SQL(_COLUMNS))
    with (
        transaction.atomic(),
        psycopg.Cursor(connection.connection) as cursor,
        cursor.copy(bare) as copy,
    ):
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
