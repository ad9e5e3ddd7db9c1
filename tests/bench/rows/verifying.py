"""`verify` over a whole log, from the first entry to the newest checkpoint.

The limit is what nobody can leave out: reading every entry from the database, in binary and
from a cursor in the server, and hashing it once.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import psycopg
from django.db import connection, transaction

from apps.audit import services as audit
from apps.audit import verification
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, say, seconds
from tests.bench.rows import ledger, stage


def measure(run: Run) -> list[Row]:
    size = run.sized(1_000_000, 20_000)
    company = stage.company("Bench")
    say(f"writing a ledger of {size:,} entries")
    ledger.stage_entries(company.id, size)
    audit.integrate()
    with stage.admin() as it:
        it.execute("VACUUM (ANALYZE)")
    figures = in_turn(
        {"ours": lambda: _verify(company.id, size), "limit": lambda: _hash(company.id)}, run
    )
    return [
        Row(
            "ledger.verify",
            f"entries of a log of {size:,} recomputed and compared",
            "entries/s",
            figures["ours"],
            limit_name="reading and hashing each entry once",
            limit=figures["limit"],
            goal=Goal(150_000, "at least", of="ours"),
        )
    ]


def _verify(log_id: UUID, size: int) -> float:
    verdicts = []
    taken = seconds(lambda: verdicts.append(verification.verify(log_id)))
    (verdict,) = verdicts
    if not verdict.ok or verdict.size < size:
        raise AssertionError(verdict.sentence)
    return verdict.size / taken


def _hash(log_id: UUID) -> float:
    read: list[int] = []
    taken = seconds(lambda: read.append(_read(log_id)))
    return read[0] / taken


@transaction.atomic
def _read(log_id: UUID) -> int:
    count = 0
    with psycopg.ServerCursor(connection.connection, "bench_walk") as cursor:
        query = "SELECT body FROM audit_entry WHERE log_id = %s ORDER BY index"
        cursor.execute(query, [log_id], binary=True)
        while rows := cursor.fetchmany(verification.CHUNK):
            count += len([hashlib.sha256(row[0]).digest() for row in rows])
    return count
