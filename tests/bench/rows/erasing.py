"""Steps of an approved plan through the fake Greenhouse, by one worker process, two and four.

Each step is what it is in production: read afresh, decided again, sent, read back, entombed,
shredded. The account keeps the vendor's limit and counts; used of it is what it answered in the
windows that lie wholly inside the run, over what it would have answered.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.connectors import services as connectors
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.erasure.models import Step
from apps.retention import services as retention
from apps.subjects import sync
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, say
from tests.bench.rows import account, stage
from tests.bench.rows.account import LIMIT, SECRETS, WINDOW
from tests.bench.rows.processes import processes

WORKERS: Final = (1, 2, 4)
HOOK: Final = "hook-hook-hook"


@dataclass(frozen=True, slots=True)
class Outcome:
    share: float
    most: float
    refused: int
    seconds: float


def measure(run: Run) -> list[Row]:
    size = run.sized(220, 30)
    prepared = _people(size)
    found: dict[int, list[Outcome]] = {count: [] for count in WORKERS}
    for number in range(1 if run.quick else run.rounds):
        turn = number % len(WORKERS)
        for workers in WORKERS[turn:] + WORKERS[:turn]:
            found[workers].append(_once(f"{number}x{workers}", size, prepared, workers))
            say(f"round {number + 1}, {workers} workers: {found[workers][-1]}")
    return [row for workers in WORKERS for row in _rows(size, workers, found[workers])]


def _rows(size: int, workers: int, outcomes: list[Outcome]) -> list[Row]:
    return [
        Row(
            f"erase.used.{workers}",
            f"requests of the {LIMIT} per {WINDOW} s that {size:,} steps used, {workers} workers",
            "of what the limit allows",
            [one.share for one in outcomes],
            goal=Goal(0.95, "at least", of="ours"),
            notes={
                "seconds": [round(one.seconds, 1) for one in outcomes],
                "refused with 429": sum(one.refused for one in outcomes),
            },
        ),
        Row(
            f"erase.most.{workers}",
            "requests in the fullest window, those refused included",
            "requests",
            [one.most for one in outcomes],
            goal=Goal(LIMIT, "at most", of="ours"),
        ),
    ]


def _people(size: int) -> Path:
    """The state of an account whose candidates are all past their period."""
    state = stage.home() / "expired.sqlite"
    with account.open_account(state) as fake:
        for index in range(1, size + 1):
            body = {"index": index, "kind": "rejected_months_ago"}
            account.control(fake, "POST", "candidates", body)
    say(f"{size:,} invented candidates are in the fake account")
    return state


def _once(name: str, size: int, prepared: Path, workers: int) -> Outcome:
    state = stage.home() / f"expired-{name}.sqlite"
    shutil.copy(prepared, state)
    company = stage.company(f"Bench{name}")
    with (
        account.open_account(state, "--webhook-secret", HOOK) as fake,
        processes("tests.bench.rows.doorway", [[]], os.environ) as (door,),
        scope.enter(company.id),
    ):
        _approved_plan(company, fake, size, door.ask("where"))
        arguments = [[str(company.id)]] * workers
        with processes("tests.bench.rows.eraser", arguments, os.environ) as started:
            # The windows of the sync are not the steps'.
            before, began = account.windows(fake), time.perf_counter()
            for process in started:
                process.tell("go")
            for process in started:
                process.hear()
            took = time.perf_counter() - began
        after = account.windows(fake)
        ended = dict(Step.objects.values_list("pk", "state"))
    if len(ended) != size or set(ended.values()) != {"verified"}:
        raise AssertionError(f"not everybody was erased: {sorted(set(ended.values()))}")
    return _outcome(before, after, took)


def _approved_plan(company: stage.Company, fake: dict[str, str], size: int, port: int) -> None:
    connection = connectors.connect(
        actor=company.dpo,
        name="Greenhouse",
        vendor="greenhouse",
        base_url=fake["url"],
        auth_url=fake["token_url"],
        credentials={**SECRETS, "webhook_secret": HOOK},
        country="FR",
        grace_seconds=0,
    )
    hook = f"http://127.0.0.1:{port}/webhooks/greenhouse/{connection.pk}/"
    account.control(fake, "POST", "settings", {"webhook_url": hook})
    today = clock.today("Europe/Paris")
    policy = retention.load_policy(actor=company.dpo, pack="fr-cnil")
    retention.sign(actor=company.dpo, policy_id=policy.pk)
    retention.sign(actor=company.recops, policy_id=policy.pk)
    retention.activate(actor=company.dpo, policy_id=policy.pk, active_from=today)
    reason = "No archive is kept here."
    retention.override(
        actor=company.dpo, policy_id=policy.pk, rule="rejected.archive", duration="", reason=reason
    )
    sync.sync(actor=SYSTEM, connection_id=connection.pk)
    while retention.refresh(actor=SYSTEM):
        pass
    (plan,) = erasure.propose(actor=company.recops, as_of=today)
    if plan.steps.count() != size:
        raise AssertionError(f"{plan.steps.count()} of {size} are due")
    erasure.set_brakes(
        actor=company.dpo,
        connection_id=connection.pk,
        values={"most_percent": 100, "most_per_day": size, "most_per_run": size},
    )
    erasure.approve(actor=company.dpo, plan_id=plan.pk)


def _outcome(before: dict[int, Any], after: dict[int, Any], took: float) -> Outcome:
    counts = [count for start, count in sorted(after.items()) if start not in before]
    whole = counts[1:-1] or counts
    answered = sum(count["answered"] for count in whole)
    return Outcome(
        share=answered / (LIMIT * len(whole)),
        most=max(count["answered"] + count["refused"] for count in counts),
        refused=sum(count["refused"] for count in counts),
        seconds=took,
    )
