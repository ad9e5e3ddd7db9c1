"""Invariant 5: a worker killed at any instant loses nothing and repeats no effect."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from django.db.models import Count

from apps.connectors import services as connectors
from apps.erasure import archiving
from apps.erasure.models import Archive, Step
from tests.faults import aftermath, table
from tests.faults.conftest import Scale
from tests.journeys.archiving import approve, keeping
from tests.journeys.house import House, expired

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

#: Of the variant with the archive: the same instants, in small.
ARCHIVED, ARCHIVED_KILLS = 60, 8
LIVING = ("planned", "claimed", "sent")


@contextmanager
def worker(log: Path, *, days: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """The real worker with its clock, as an installation runs it; or `days` off."""
    celery = ["tests.faults.shifted", str(days)] if days else ["celery"]
    options = ["--beat", "--pool", "threads", "--concurrency", "4"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *celery, "-A", "config", "worker", *options, *quiet],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.test", "LETHE_LEASE_SECONDS": "3"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def living() -> int:
    connections["default"].close_if_unusable_or_obsolete()
    return Step.objects.filter(state__in=LIVING).count()


def wait_until(log: Path, condition: int, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while living() > condition:
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.05)


@pytest.mark.parametrize("archive", ["", "P5Y"], ids=["erased", "archived"])
def test_a_worker_killed_in_the_middle_of_a_plan_loses_and_repeats_nothing(
    house: House, tmp_path: Path, archive: str, scale: Scale, dice: random.Random
) -> None:
    size = min(scale.steps, ARCHIVED) if archive else scale.steps
    keeping(house.company, archive)
    expired(house, *range(1, size + 1))
    house.sync()
    house.decide()
    connectors.change(
        actor=house.company.dpo_actor,
        connection_id=house.connection.pk,
        values={"most_percent": 100},
    )
    approve(house, house.propose())
    total = Step.objects.count()
    assert total == size
    known = aftermath.people(Step.objects.values_list("record_id", flat=True))
    # Slow answers, so that kills fall between a call's effect and its answer.
    house.fault("timeout_after_effect", methods=["PATCH"], seconds=0.3, times=None)
    log, kills = tmp_path / "worker.log", 0
    for _ in range(min(scale.kills, ARCHIVED_KILLS) if archive else scale.kills):
        if not living():
            break
        with worker(log):
            # Two seconds go by before a worker takes its first step.
            time.sleep(dice.uniform(1.5, 5))
        kills += 1
    house.control("DELETE", "faults")
    with worker(log):
        wait_until(log, 0, seconds=600)
        aftermath.wait_for_shredding(total)
    wanted = Step.State.ARCHIVED if archive else Step.State.VERIFIED
    outcomes = dict(Step.objects.order_by().values_list("state").annotate(n=Count("pk")))
    _check_archives(total if archive else 0)
    done = outcomes.get(wanted, 0)
    table.report(
        f"SIGKILL of the worker ({wanted.value})",
        did={"kills": kills, "steps": total},
        wrong={"other outcomes": total - done, **aftermath.wrongs(house, known, [log])},
    )


def _check_archives(total: int) -> None:
    """One for each person, whole: sealed from a reading made before anything was erased."""
    kept = Archive.objects.all()
    assert set(kept.values_list("state", flat=True)) <= {Archive.State.KEPT}
    assert kept.values("record").distinct().count() == kept.count() == total
    for archive in kept:
        content = json.loads(archiving.opened(archive))
        assert content["contact_email"], archive.pk
        assert "Anonymized" not in content["full_name"].values()
