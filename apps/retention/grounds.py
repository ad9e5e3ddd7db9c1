"""Writing grounds: from the facts of records, by one statement over all of them.

Level-triggered. Whoever changes a fact leaves a mark (subjects.Change) in the same transaction;
`refresh` takes marks, makes those records' grounds what their facts say, and removes the marks,
in one transaction too. Killed at any instant it has done all of that or nothing.

Order of locks: one refresher a controller (advisory), then each mark with its record. A record
that somebody is writing is skipped and its mark stays for the next time, so that a change can
neither be lost nor wait for a refresh.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.audit import services as audit
from apps.core import scope
from apps.core.actors import Actor
from apps.retention import events, facts, mapped
from apps.retention import grounds_sql as sql
from apps.retention.models import Ground
from apps.subjects.models import Application, Record

BATCH = 5_000


@transaction.atomic
def refresh(*, actor: Actor, limit: int = BATCH) -> int:
    """Up to `limit` records whose facts are newer than their grounds; how many were taken."""
    with connection.cursor() as cursor:
        _alone(cursor)
        cursor.execute(sql.TAKE, {"controller": scope.current(), "limit": limit})
        taken = [row[0] for row in cursor.fetchall()]
        if not taken:
            return 0
        written = _write(cursor, everyone=False, records=taken)
    _account(actor, len(taken), written)
    return len(taken)


@transaction.atomic
def refresh_all(*, actor: Actor) -> int:
    """Every record of the controller, whether or not it changed; how many records.

    Only grounds that differ are written.
    """
    with connection.cursor() as cursor:
        _alone(cursor)
        cursor.execute(sql.TAKE_ALL, {"controller": scope.current(), "limit": None})
        for_many_rows(cursor)
        written = _write(cursor, everyone=True, records=[])
    records = Record.objects.exclude(state=Record.State.ERASED).count()
    _account(actor, records, written)
    return records


@transaction.atomic
def refresh_job(*, actor: Actor, job: str) -> int:
    """Every record with an application for a job, whose rules were given to cells of their own;
    how many records. Marks of facts that are newer still stay for the next refresh."""
    rows = Application.objects.filter(job=job).values_list("record_id", flat=True)
    with connection.cursor() as cursor:
        _alone(cursor)
        records = list(rows.distinct())
        for_many_rows(cursor)
        written = _write(cursor, everyone=False, records=records)
    _account(actor, len(records), written)
    return len(records)


def _alone(cursor: CursorWrapper) -> None:
    """Two refreshers would both write what both find missing."""
    name = f"refresh/{scope.current()}"
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def for_many_rows(cursor: CursorWrapper) -> None:
    """The planner cannot know how many grounds come out of the facts: with the estimate of a
    few it would look each one up. Until the transaction ends: sort and hash, in memory."""
    for name, value in (("enable_nestloop", "off"), ("jit", "off"), ("work_mem", "256MB")):
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _write(cursor: CursorWrapper, *, everyone: bool, records: list[UUID]) -> int:
    first = everyone and not Ground.objects.exists()
    cursor.execute(
        sql.FILL if first else sql.REFRESH, parameters(everyone=everyone, records=records)
    )
    return int(cursor.rowcount)


def parameters(*, everyone: bool, records: list[UUID]) -> dict[str, Any]:
    return {
        "controller": scope.current(),
        "everyone": everyone,
        "records": records,
        **facts.cell_arrays(facts.places(facts.cells())),
        **mapped.now(),
    }


def _account(actor: Actor, records: int, written: int) -> None:
    counts = {"records": records, "written": written}
    audit.record(events.GROUNDS_REFRESHED, actor=actor, counts=counts)
