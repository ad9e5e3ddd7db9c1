"""A small ledger to test with: one verb of every kind, a log, and a hand that tampers."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
from django.db import transaction

from apps.audit import services
from apps.audit.verbs import Verb, declare
from apps.core.actors import Actor
from apps.core.ids import new_id

DORA = Actor("user", uuid.UUID("018f0000-0000-7000-8000-00000000d07a"))
RIK = Actor("user", uuid.UUID("018f0000-0000-7000-8000-000000000214"))

HAPPENED = declare(
    Verb(
        "test.happened",
        "%(count)s files, %(how)s, until %(until)s",
        refs=("policy",),
        counts=("count",),
        codes={"how": {"anonymize": "made anonymous", "delete": "deleted"}},
        commitments=("reason",),
        dates=("until",),
    )
)
PLAIN = declare(Verb("test.passed", "Something passed"))
EVERYTHING = {
    "refs": {"policy": uuid.UUID(int=7)},
    "counts": {"count": 3},
    "codes": {"how": "delete"},
    "commitments": {"reason": bytes(range(32))},
    "dates": {"until": date(2031, 2, 28)},
}


def opened() -> uuid.UUID:
    log_id = new_id()
    services.open_log(log_id=log_id, actor=DORA)
    return log_id


def write(log_id: uuid.UUID, count: int) -> list[uuid.UUID]:
    """Stage `count` entries about new objects, committed; the objects in order."""
    objects = [new_id() for _ in range(count)]
    with transaction.atomic():
        services.record_each(PLAIN, actor=DORA, log_id=log_id, object_ids=objects)
    return objects


def sealed(count: int) -> uuid.UUID:
    """A log of `count` entries (its opening is the first), placed and signed."""
    log_id = opened()
    write(log_id, count - 1)
    services.integrate()
    return log_id


@contextmanager
def owner() -> Iterator[psycopg.Connection]:
    """A connection as the tables' owner; every statement is committed."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        yield connection


@contextmanager
def tampering() -> Iterator[psycopg.Connection]:
    """As somebody who can switch the triggers off and on again, and so leaves no trace."""
    tables = ("audit_log", "audit_entry", "audit_tile", "audit_checkpoint", "audit_pending")
    with owner() as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield connection
        for table in tables:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
