"""All grounds from the facts of all records, beside a bare INSERT … SELECT of the same rows.

The peer writes the very rows that came out into a table of the same columns, defaults and
indexes, in one statement of the same role. The limit is a table without any index.
"""

from __future__ import annotations

from typing import Final

from django.db import connection, transaction

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import services
from config.embedded import RUNTIME
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, seconds
from tests.bench.rows import records, stage
from tests.bench.rows.records import Estate

_COLUMNS: Final = (
    "controller_id, record_id, application_id, cell_id, anchor, reason, approximate, version, "
    "total, other_cell, other_anchor"
)
_TABLES: Final = f"""
    CREATE TABLE bench_ground (LIKE retention_ground INCLUDING ALL);
    CREATE TABLE bench_bare (LIKE retention_ground INCLUDING IDENTITY);
    CREATE TABLE bench_rows AS TABLE retention_ground;
    GRANT SELECT, INSERT ON bench_ground, bench_bare, bench_rows TO {RUNTIME};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {RUNTIME};
"""


def measure(run: Run) -> list[Row]:
    size = run.sized(1_000_000, 5_000)
    estate = records.estate("Bench")
    records.load_several(estate, size)
    _refresh(estate)
    with stage.admin() as it:
        it.execute(_TABLES.encode())
        it.execute("VACUUM (ANALYZE)")
        row = it.execute("SELECT count(*) FROM bench_rows").fetchone()
    figures = in_turn(
        {
            "ours": lambda: _ours(estate),
            "peer": lambda: _bare("bench_ground"),
            "limit": lambda: _bare("bench_bare"),
        },
        run,
    )
    again = seconds(_refresh, estate)
    return [
        Row(
            "refresh.all",
            f"all grounds of {size:,} records from their facts",
            "s",
            figures["ours"],
            "INSERT … SELECT of the same rows, same indexes",
            figures["peer"],
            "INSERT … SELECT of the same rows, no index",
            figures["limit"],
            Goal(2, "at most"),
            {"grounds": row[0] if row else 0, "once more, nothing changed (s)": round(again, 2)},
        )
    ]


def _refresh(estate: Estate) -> None:
    with scope.enter(estate.company.id):
        services.refresh_all(actor=SYSTEM)


def _ours(estate: Estate) -> float:
    stage.empty("retention_ground")
    stage.settle()
    return seconds(_refresh, estate)


def _bare(table: str) -> float:
    stage.empty(table)
    stage.settle()
    statement = f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} FROM bench_rows"  # noqa: S608 - constants
    return seconds(_write, statement)


@transaction.atomic
def _write(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
