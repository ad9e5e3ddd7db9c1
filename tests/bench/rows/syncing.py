"""A first sync of 20,000 candidates over HTTP, in a worker process of its own.

The fake account keeps the vendor's limit in the vendor's way and counts. Used of the limit is
what it answered in the windows that lie wholly inside the sync, over what it would have
answered: the first and the last window are cut off by the sync itself.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.connectors import services as connectors
from apps.core import scope
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, say
from tests.bench.rows import account, stage
from tests.bench.rows.account import LIMIT, SECRETS, WINDOW
from tests.bench.rows.processes import processes


@dataclass(frozen=True, slots=True)
class Outcome:
    share: float
    most: float
    refused: int
    megabytes: float
    seconds: float
    busy: float


def measure(run: Run) -> list[Row]:
    size = run.sized(20_000, 600)
    prepared = _people(size)
    outcomes = []
    for number in range(1 if run.quick else run.rounds):
        outcomes.append(_once(number, size, prepared))
        say(f"round {number + 1}: {outcomes[-1]}")
    facts = {
        "seconds": [round(one.seconds, 1) for one in outcomes],
        "of these the worker computed": [round(one.busy, 1) for one in outcomes],
        "refused with 429": sum(one.refused for one in outcomes),
    }
    return [
        Row(
            "sync.used",
            f"requests of the {LIMIT} per {WINDOW} s that a sync of {size:,} candidates used",
            "of what the limit allows",
            [one.share for one in outcomes],
            goal=Goal(0.95, "at least", of="ours"),
            notes=facts,
        ),
        Row(
            "sync.most",
            "requests in the fullest window, those refused included",
            "requests",
            [one.most for one in outcomes],
            goal=Goal(LIMIT, "at most", of="ours"),
        ),
        Row(
            "sync.memory",
            "peak memory of the worker",
            "MB",
            [one.megabytes for one in outcomes],
            goal=Goal(300, "at most", of="ours"),
        ),
    ]


def _people(size: int) -> Path:
    """The state of a fake account with its candidates, made once and copied for each round."""
    state = stage.home() / "people.sqlite"
    with account.open_account(state, "--candidates", str(size), "--thin"):
        say(f"{size:,} invented candidates are in the fake account")
    return state


def _once(number: int, size: int, prepared: Path) -> Outcome:
    company = stage.company(f"Bench{number}")
    state = stage.home() / f"people-{number}.sqlite"
    shutil.copy(prepared, state)
    with account.open_account(state) as fake, scope.enter(company.id):
        connection = connectors.connect(
            actor=company.dpo,
            name="Greenhouse",
            vendor="greenhouse",
            base_url=fake["url"],
            auth_url=fake["token_url"],
            credentials={**SECRETS, "webhook_secret": "hook-hook-hook"},
            country="FR",
        )
        arguments = [[str(company.id), str(connection.pk)]]
        with processes("tests.bench.rows.worker", arguments, os.environ) as (worker,):
            before = account.windows(fake)
            told = worker.ask("sync")
        after = account.windows(fake)
    if told["failure"] or told["created"] != size:
        raise AssertionError(f"the sync did not take everybody: {told}")
    return _outcome(told, before, after)


def _outcome(told: dict[str, Any], before: dict[int, Any], after: dict[int, Any]) -> Outcome:
    # The windows of `connect` are not the sync's.
    counts = [count for start, count in sorted(after.items()) if start not in before]
    # A quick run may fit into the window of `connect`: then that one is all there is.
    counts = counts or list(after.values())
    whole = counts[1:-1] or counts
    answered = sum(count["answered"] for count in whole)
    return Outcome(
        share=answered / (LIMIT * len(whole)),
        most=max(count["answered"] + count["refused"] for count in counts),
        refused=sum(count["refused"] for count in counts),
        megabytes=told["megabytes"],
        seconds=told["seconds"],
        busy=told["busy"],
    )
