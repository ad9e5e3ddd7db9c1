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

from config.embedded import OWNER, RUNTIME, provision_on
from tests.bench import place
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn
from tests.bench.rows import stage
from tests.bench.rows.helpers import Helper, helpers

PEERS: Final = ("auditlog", "simple_history", "pghistory", "bare")
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
    count = run.sized(2_000, 200)
    company = stage.company("Bench")
    rows = []
    with ExitStack() as stack:
        sides = {name: stack.enter_context(_peer(name)) for name in PEERS}
        sides["ours"] = stack.enter_context(_ours(str(company.id)))
        for mode in MODES:
            for side in sides.values():
                side.ask(mode, count // 4)  # the first rows pay for caches and statements
            rates = {name: partial(side.ask, mode, count) for name, side in sides.items()}
            figures = in_turn(rates, run)
            rows += [_row(mode, peer, figures) for peer in PACKAGES]
    return rows


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
def _peer(name: str) -> Iterator[Helper]:
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
    with helpers("tests.bench.rows.creator", [[app]], environment) as (helper,):
        yield helper


@contextmanager
def _ours(controller: str) -> Iterator[Helper]:
    """Lethe's own settings, roles and grants, and one table more."""
    settings = "tests.bench.peers.with_lethe.settings"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings}
    place.manage(environment, "migrate", "--run-syncdb", "--verbosity", "0")
    place.manage(environment, "provision")
    with helpers("tests.bench.rows.creator_lethe", [[controller]], environment) as (helper,):
        yield helper
