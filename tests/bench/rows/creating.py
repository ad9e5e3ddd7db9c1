"""One create with its ledger entry, beside the same create under three audit packages.

Every side has a database and a process of its own, and settings with its package only. "In
one transaction" creates them all in one; "with a commit each" opens one for each create, so
that the row and what is written about it become true together on every side. The limit is the
same create without any audit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from psycopg import sql

from config.embedded import OWNER, RUNTIME, provision_on
from tests.bench import place
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_slices
from tests.bench.rows import stage
from tests.bench.rows.processes import Process, processes

#: side → the table where its audit goes: as many rows must come out as were created.
AUDITS: Final = {
    "auditlog": "auditlog_logentry",
    "simple_history": "with_simple_history_historicalperson",
    "pghistory": "with_pghistory_personevent",
}
PEERS: Final = (*AUDITS, "bare")
PACKAGES: Final = {
    "auditlog": "django-auditlog",
    "simple_history": "django-simple-history",
    "pghistory": "django-pghistory",
}
MODES: Final = {"one": "inside one transaction", "each": "with a commit each"}
#: A bare trigger of the database: ours goes through Python, and is printed as near as it gets.
GOALS: Final = {
    ("one", "auditlog"): Goal(1.5, "at least"),
    ("one", "simple_history"): Goal(1.5, "at least"),
    ("each", "auditlog"): Goal(1.1, "at least"),
    ("each", "simple_history"): Goal(1.1, "at least"),
}


def measure(run: Run) -> list[Row]:
    slices = 2 if run.quick else 10
    count = run.sized(2_000, 200) // slices
    company = stage.company("Bench")
    rows = []
    with ExitStack() as stack:
        sides = {name: stack.enter_context(_peer(name)) for name in PEERS}
        sides["ours"] = stack.enter_context(_ours(str(company.id)))
        for mode in MODES:
            for side in sides.values():
                side.ask(mode, count)  # the first rows pay for caches and statements
            rates = {name: partial(side.ask, mode, count) for name, side in sides.items()}
            figures = in_slices(rates, run, slices)
            rows += [_row(mode, peer, figures) for peer in PACKAGES]
    for name, table in AUDITS.items():
        _check_complete(f"bench_{name}", f"with_{name}_person", table)
    _check_complete("lethe", "with_lethe_person", "audit_pending")
    return rows


def _check_complete(database: str, persons: str, audits: str) -> None:
    """No side is fast because it wrote less."""
    counts: list[int] = []
    with stage.admin(database) as it:
        for table in (persons, audits):
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            counts += it.execute(query).fetchone() or ()
    if not counts[0] or counts[1] < counts[0]:
        raise AssertionError(f"{database}: {counts[0]} created, {counts[1]} written about them")


def _row(mode: str, peer: str, figures: dict[str, list[float]]) -> Row:
    goal = GOALS.get((mode, peer))
    return Row(
        f"create.{mode}.{peer}",
        f"creates with their entry, {MODES[mode]}",
        "creates/s",
        figures["ours"],
        PACKAGES[peer],
        figures[peer],
        "the same create without audit",
        figures["bare"],
        goal,
        {} if goal else {"as near as it gets": "a bare trigger in the database"},
    )


@contextmanager
def _peer(name: str) -> Iterator[Process]:
    """Its tables, made by the role that then works with them."""
    database = f"bench_{name}"
    app = f"with_{name}"
    with stage.admin("postgres") as it:
        provision_on(it, databases=[database], owner=OWNER, runtime=RUNTIME)
    url = os.environ["DATABASE_OWNER_URL"].replace("/lethe?", f"/{database}?")
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": f"tests.bench.peers.{app}.settings",
    }
    # The package's own tables first: those made without migrations may point to them.
    place.manage(environment, "migrate", "--verbosity", "0")
    place.manage(environment, "migrate", "--run-syncdb", "--verbosity", "0")
    if name == "pghistory":  # there are no migrations here that could carry its triggers
        place.manage(environment, "pgtrigger", "install")
    with processes("tests.bench.rows.creator", [[app]], environment) as (process,):
        yield process


@contextmanager
def _ours(controller: str) -> Iterator[Process]:
    """Lethe's own settings, roles and grants, and one table more."""
    settings = "tests.bench.peers.with_lethe.settings"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    place.manage(environment, "migrate", "--run-syncdb", "--verbosity", "0")
    place.manage(environment, "provision")
    with processes("tests.bench.rows.creator_lethe", [[controller]], environment) as (process,):
        yield process
