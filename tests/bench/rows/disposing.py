"""Erasing people here: find who is due, shred their keys, wipe, entomb, write the ledger.

The very functions that follow a read-back (`shredding`), called for thousands at once; in
production they follow each record, at the pace of its ATS. Two connections at once, as two workers
are. The peer is django-gdpr-assist, which overwrites a person's fields one object after the other,
in the one call it offers. The limit is UPDATE, on two connections as well: the same rows and
columns blanked in copies of our tables with the same indexes, no key, no tombstone, no ledger.
"""

from __future__ import annotations

import contextvars
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connection, connections, transaction

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.lookups import array
from apps.keys import services as keys
from apps.retention import selectors as retention
from apps.retention import services as retention_services
from apps.subjects import shredding
from apps.subjects.models import Record, Subject
from config.embedded import OWNER, RUNTIME, provision_on
from tests.bench import place
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, say, seconds
from tests.bench.rows import keyring, records, stage
from tests.bench.rows.processes import Process, processes
from tests.bench.rows.records import Estate

BATCH: Final = 5_000
WORKERS: Final = 2
PEER: Final = "with_gdpr_assist"
_COPIES: Final = f"""
    CREATE TABLE bench_subject (LIKE subjects_subject INCLUDING ALL);
    CREATE TABLE bench_record (LIKE subjects_record INCLUDING ALL);
    CREATE TABLE bench_application (LIKE subjects_application INCLUDING ALL);
    INSERT INTO bench_subject SELECT * FROM subjects_subject;
    INSERT INTO bench_record SELECT * FROM subjects_record;
    INSERT INTO bench_application SELECT * FROM subjects_application;
    GRANT SELECT, UPDATE ON bench_subject, bench_record, bench_application TO {RUNTIME};
"""  # noqa: S608 - constants only
_BLANK: Final = (
    """
    UPDATE bench_record SET state = 'erased', erased_at = now(), sealed_remote_id = NULL,
        remote_digest = '', fingerprint = '', sending_step = NULL, talent_pool = false,
        collected_on = NULL, version = version + 1 WHERE id = ANY(%s::uuid[])
    """,
    """
    UPDATE bench_application SET job = '', country = '', state = '', remote_digest = '',
        applied_on = NULL, closed_on = NULL WHERE record_id = ANY(%s::uuid[])
    """,
    """
    UPDATE bench_subject SET state = 'shredded', shredded_at = now(), sealed_name = NULL,
        sealed_emails = NULL, sealed_phones = NULL
    WHERE id = ANY(SELECT subject_id FROM bench_record WHERE id = ANY(%s::uuid[]))
    """,
)
_PEOPLE: Final = """
    INSERT INTO with_gdpr_assist_person
    SELECT gen_random_uuid(), 'Ada', 'Tarnholt' || n, 'p' || n || '@example.org',
        '+33639980001', 'Lyon', 'rejected', '2024-01-01', now()
    FROM generate_series(1, %(size)s) AS n
"""
_WAL: Final = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass
class Sides:
    """Who is next on each side, and how much each wrote ahead (bytes a person)."""

    estate: Estate
    count: int
    sample: int
    peer: Process
    pool: ThreadPoolExecutor
    #: Records whose copies were not blanked yet; people whose keys alone are still to go.
    copied: list[UUID] = field(default_factory=list)
    keyed: list[UUID] = field(default_factory=list)
    wal: dict[str, list[float]] = field(default_factory=dict)

    def dispose(self) -> float:
        """People per second."""
        with self._written("dispose"):
            return self.count / seconds(self._dispose)

    def _dispose(self) -> None:
        with scope.enter(self.estate.company.id):
            due = retention.due(as_of=self.estate.today, limit=self.count)
        self._each(dispose, [row.record_id for row in due])

    def shred(self) -> float:
        these, self.keyed = self.keyed[: self.count], self.keyed[self.count :]
        with self._written("shred"):
            return self.count / seconds(self._each, shred, these)

    def blank(self) -> float:
        these, self.copied = self.copied[: self.count], self.copied[self.count :]
        with self._written("blank"):
            return self.count / seconds(self._each, blank, these)

    def warm(self) -> None:
        """Connect before the clock runs."""
        self._each(connect, [], [[]] * WORKERS)

    def _each(
        self, work: Callable[[list[UUID]], None], ids: list[UUID], them: Sequence[list[UUID]] = ()
    ) -> None:
        """Batches in order, each by whoever is free."""
        size = min(BATCH, -(-len(ids) // WORKERS)) or 1
        them = them or [ids[start : start + size] for start in range(0, len(ids), size)]
        with scope.enter(self.estate.company.id):
            here = [contextvars.copy_context() for _ in them]
        list(self.pool.map(lambda context, batch: context.run(work, batch), here, them))

    def anonymise(self) -> float:
        return float(self.peer.ask(self.sample))

    @contextmanager
    def _written(self, name: str) -> Iterator[None]:
        before = _wal()
        yield
        self.wal.setdefault(name, []).append((_wal() - before) / self.count)


def dispose(record_ids: list[UUID]) -> None:
    """What follows the read-back of these records."""
    shredding.bury(actor=SYSTEM, record_ids=record_ids)
    with transaction.atomic():
        last = shredding.entomb(actor=SYSTEM, record_ids=record_ids)
    if shredding.finish_shredding(actor=SYSTEM, subject_ids=last) != len(record_ids):
        raise AssertionError("not everybody was shredded")


def shred(subject_ids: list[UUID]) -> None:
    if len(keys.shred_many(dict.fromkeys(subject_ids), actor=SYSTEM)) != len(subject_ids):
        raise AssertionError("not everybody was shredded")


def blank(record_ids: list[UUID]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _BLANK:
            cursor.execute(statement, [array(record_ids)])
            if cursor.rowcount != len(record_ids):
                raise AssertionError("the UPDATE missed some of the rows")


def connect(_nobody: list[UUID]) -> None:
    for alias in ("default", "keys"):
        connections[alias].ensure_connection()
    time.sleep(0.2)  # so that everybody of the pool takes one


def measure(run: Run) -> list[Row]:
    size = run.sized(10_000_000, 20_000)
    estate = records.estate("Bench")
    records.load_sealed(estate, size)
    keyring.load(estate.company.id, size)
    with scope.enter(estate.company.id):
        say("working out the grounds")
        retention_services.refresh_all(actor=SYSTEM)
        due = retention.due_ids(as_of=estate.today)
    say(f"{len(due):,} of {size:,} are due; copying the tables")
    with stage.admin() as it:
        it.execute(_COPIES.encode())
        it.execute("VACUUM (ANALYZE)")
    stage.settle()
    count = len(due) // run.rounds
    with _peer(size) as peer, ThreadPoolExecutor(WORKERS) as pool:
        sides = Sides(estate, count, min(count, 200 if run.quick else 10_000), peer, pool)
        sides.warm()
        sides.copied = list(due)
        sides.keyed = _others(estate, count * run.rounds)
        figures = in_turn(
            {
                "dispose": sides.dispose,
                "peer": sides.anonymise,
                "blank": sides.blank,
                "shred": sides.shred,
            },
            run,
        )
    _check(estate, count * run.rounds)
    return _rows(size, count * run.rounds, sides, figures)


def _others(estate: Estate, count: int) -> list[UUID]:
    """The last who came, as close together as those who are due: their keys go, nothing else."""
    with scope.enter(estate.company.id):
        rows = Subject.objects.order_by("-pk").values_list("pk", flat=True)
        return sorted(rows[:count])


def _check(estate: Estate, count: int) -> None:
    """Everybody that was said to be gone is."""
    with scope.enter(estate.company.id):
        erased = Record.objects.filter(state="erased").count()
        shredded = Subject.objects.filter(state="shredded", sealed_name=None).count()
    if (erased, shredded) != (count, count):
        raise AssertionError(f"{erased} records and {shredded} people are gone, not {count}")


def _rows(size: int, count: int, sides: Sides, figures: dict[str, list[float]]) -> list[Row]:
    title = f"{count:,} among {size:,}"
    peer = "django-gdpr-assist anonymising the same, one call, one transaction"
    limit = f"an UPDATE that blanks the same rows and columns, same indexes, {WORKERS} connections"
    ratio = [a / b for a, b in zip(sides.wal["shred"], sides.wal["blank"], strict=True)]
    bytes_of = {name: [round(one) for one in found] for name, found in sides.wal.items()}
    return [
        Row(
            "dispose.peer",
            f"full local disposal, {WORKERS} workers: {title}",
            "people/s",
            figures["dispose"],
            peer,
            figures["peer"],
            limit,
            figures["blank"],
            Goal(15, "at least"),
            {"bytes of WAL a person": bytes_of},
        ),
        Row(
            "dispose.limit",
            f"the same beside the limit: {title}",
            "people/s",
            figures["dispose"],
            limit,
            figures["blank"],
            goal=Goal(0.1, "at least"),
        ),
        Row(
            "shred.peer",
            f"keys alone, with what finds them and the journal, {WORKERS} workers: {title}",
            "people/s",
            figures["shred"],
            peer,
            figures["peer"],
            goal=Goal(100, "at least"),
        ),
        Row(
            "shred.wal",
            "bytes written ahead by shredding keys alone, over those of the UPDATE",
            "of the UPDATE's",
            ratio,
            goal=Goal(0.1, "at most", of="ours"),
        ),
    ]


def _wal() -> int:
    with stage.admin() as it:
        found = it.execute(_WAL).fetchone()
    return int(found[0]) if found else 0


@contextmanager
def _peer(size: int) -> Iterator[Process]:
    database = "bench_gdpr_assist"
    with stage.admin("postgres") as it:
        provision_on(it, databases=[database], owner=OWNER, runtime=RUNTIME)
    url = os.environ["DATABASE_OWNER_URL"].replace("/lethe?", f"/{database}?")
    settings = f"tests.bench.peers.{PEER}.settings"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": settings}
    place.manage(environment, "migrate", "--verbosity", "0")
    place.manage(environment, "migrate", "--run-syncdb", "--verbosity", "0")
    say(f"loading {size:,} people for the peer")
    with stage.admin(database) as it:
        it.execute(_PEOPLE.encode(), {"size": size})
        it.execute("VACUUM (ANALYZE)")
    with processes("tests.bench.rows.anonymizer", [[]], environment) as (process,):
        yield process
