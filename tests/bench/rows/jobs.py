"""Jobs whose effect is one row: ours (the outbox: a row with a lease, effect and end in one
transaction) beside procrastinate's; and ours again with workers that are killed.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from typing import Final
from uuid import UUID

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.outbox import services as outbox
from apps.outbox.models import Message
from config.embedded import OWNER, RUNTIME, provision_on
from tests.bench.figures import Goal, Row
from tests.bench.place import ROOT
from tests.bench.rounds import Run, in_turn, say
from tests.bench.rows import jobber, procrastinator, stage
from tests.bench.rows.processes import Process, processes

Worker = subprocess.Popen[str]
DATABASE: Final = "bench_jobs"
WORKERS: Final = 4
KILLS: Final = 26
#: Seconds until a killed worker's jobs are free again.
LEASE: Final = 2.0


def measure(run: Run) -> list[Row]:
    size = run.sized(8_000, 400)
    company = stage.company("Bench")
    with stage.admin() as it:
        it.execute("CREATE TABLE bench_effect (job uuid NOT NULL)")
        it.execute(f"GRANT SELECT, INSERT, DELETE ON bench_effect TO {RUNTIME}".encode())
    with stage.admin("postgres") as it:
        provision_on(it, databases=[DATABASE], owner=OWNER, runtime=RUNTIME)
    dsn = os.environ["DATABASE_OWNER_URL"].replace("/lethe?", f"/{DATABASE}?")
    procrastinator.apply_schema(dsn)
    with (
        processes("tests.bench.rows.jobber", [[str(company.id)]], os.environ) as (ours,),
        processes("tests.bench.rows.procrastinator", [[dsn]], os.environ) as (theirs,),
    ):
        figures = in_turn(
            {
                "ours": lambda: _ours(company.id, ours, size),
                "peer": lambda: _theirs(theirs, size),
            },
            run,
        )
    kills = 4 if run.quick else KILLS
    lost, twice, dead = _killed(company.id, size, kills, run)
    return [
        Row(
            "jobs.rate",
            f"{size:,} jobs whose effect is one row, one worker, nobody killed",
            "jobs/s",
            figures["ours"],
            f"procrastinate, {procrastinator.CONCURRENCY} at a time",
            figures["peer"],
            goal=Goal(3, "at least"),
        ),
        Row(
            "jobs.killed",
            f"jobs lost or done twice of {size:,}, {WORKERS} workers, {kills} SIGKILLs",
            "jobs",
            [float(one) for one in (a + b for a, b in zip(lost, twice, strict=True))],
            goal=Goal(0, "at most", of="ours"),
            notes={"lost": lost, "twice": twice, "killed": dead},
        ),
    ]


def _queue(controller: UUID, size: int) -> list[UUID]:
    made = [new_id() for _ in range(size)]
    with scope.enter(controller):
        outbox.send(actor=SYSTEM, kind=jobber.KIND, about=made)
    return made


def _ours(controller: UUID, worker: Process, size: int) -> float:
    stage.empty("outbox_message", "bench_effect")
    _queue(controller, size)
    took = float(worker.ask("work"))
    _count("lethe", size)
    return size / took


def _theirs(worker: Process, size: int) -> float:
    with stage.admin(DATABASE) as it:
        it.execute("TRUNCATE bench_effect, procrastinate_jobs CASCADE")
    worker.ask("defer", size)
    took = float(worker.ask("work"))
    _count(DATABASE, size)
    return size / took


def _count(database: str, size: int) -> None:
    with stage.admin(database) as it:
        found = it.execute("SELECT count(*), count(DISTINCT job) FROM bench_effect").fetchone()
    if found != (size, size):
        raise AssertionError(f"{database}: {found} effects of {size} jobs")


def _killed(
    controller: UUID, size: int, kills: int, run: Run
) -> tuple[list[int], list[int], list[int]]:
    """Of each round: jobs lost, jobs whose effect came twice, workers killed."""
    lost, twice, dead = [], [], []
    for number in range(run.rounds):
        stage.empty("outbox_message", "bench_effect")
        wanted, count = _while_killing(controller, size, kills, random.Random(number))
        dead.append(count)
        with stage.admin() as it:
            rows = it.execute("SELECT job, count(*) FROM bench_effect GROUP BY job").fetchall()
        done = {job for job, _times in rows}
        lost.append(len(wanted - done))
        twice.append(sum(times > 1 for _job, times in rows))
        say(f"round {number + 1}: {lost[-1]} lost, {twice[-1]} twice, {dead[-1]} killed")
    return lost, twice, dead


def _while_killing(
    controller: UUID, size: int, kills: int, dice: random.Random
) -> tuple[set[UUID], int]:
    """Until every job has ended: the jobs there were, and how many workers were killed at work."""
    marks = sorted(dice.sample(range(size // 50, size - size // 20), kills))
    workers = [_start(controller) for _ in range(WORKERS)]
    dead = 0
    try:
        while len(_ready(workers)) < WORKERS:
            time.sleep(0.05)
        wanted = set(_queue(controller, size))
        while (left := _left(controller)) > 0:
            ready = _ready(workers)
            if marks and ready and size - left >= marks[0]:
                marks.pop(0)
                victim = dice.choice(ready)
                victim.send_signal(signal.SIGKILL)
                victim.wait()
                workers[workers.index(victim)] = _start(controller)
                dead += 1
            time.sleep(0.002)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return wanted, dead


def _left(controller: UUID) -> int:
    with scope.enter(controller):
        return Message.objects.filter(state=Message.State.WAITING).count()


def _start(controller: UUID) -> Worker:
    command = [sys.executable, "-m", "tests.bench.rows.jobber", str(controller), str(LEASE)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _ready(workers: list[Worker]) -> list[Worker]:
    """Those that have said so: a worker that still starts has nothing to lose."""
    pipes = [one.stdout for one in workers if one.stdout is not None]
    said, _, _ = select.select(pipes, [], [], 0)
    return [one for one in workers if one.stdout in said]
