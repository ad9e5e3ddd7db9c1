"""Invariant 5: a worker killed at any instant loses nothing and repeats no effect."""

from __future__ import annotations

import itertools
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

from apps.erasure import archiving
from apps.erasure.models import Archive, Step
from apps.subjects.models import Subject
from config.celery import TICKS
from tests.journeys.archiving import approve, keeping
from tests.journeys.house import House, expired

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CANDIDATES = range(1, 41)
KILLS = 6
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
    house: House, tmp_path: Path, archive: str
) -> None:
    keeping(house.company, archive)
    expired(house, *CANDIDATES)
    house.sync()
    house.decide()
    approve(house, house.propose())
    total = Step.objects.count()
    assert total == len(CANDIDATES)
    # Slow answers, so that kills fall between a call's effect and its answer.
    house.fault("timeout_after_effect", methods=["PATCH"], seconds=0.3, times=None)
    dice, log = random.Random(5), tmp_path / "worker.log"
    for kill in range(KILLS):
        with worker(log):
            wait_until(log, max(0, total - 1 - kill * 5))
            time.sleep(dice.random() * 0.6)
    house.control("DELETE", "faults")
    with worker(log):
        wait_until(log, 0)
        # A person is shredded after their last step: by a worker that still runs.
        _check_shredded(total)
    outcomes = set(Step.objects.values_list("state", flat=True))
    assert outcomes == {Step.State.ARCHIVED if archive else Step.State.VERIFIED}, outcomes
    _check_journal(house, total)
    _check_archives(total if archive else 0)


def _check_archives(total: int) -> None:
    """One for each person, whole: sealed from a reading made before anything was erased."""
    kept = Archive.objects.all()
    assert set(kept.values_list("state", flat=True)) <= {Archive.State.KEPT}
    assert kept.values("record").distinct().count() == kept.count() == total
    for archive in kept:
        content = json.loads(archiving.opened(archive))
        assert content["contact_email"], archive.pk
        assert "Anonymized" not in content["full_name"].values()


def _check_journal(house: House, total: int) -> None:
    """At most one call with an effect per person, and a read before any second call."""
    calls = house.control("GET", "journal")
    by_person: dict[int, list[dict[str, object]]] = {}
    for call in calls:
        for remote_id in call["candidate_ids"]:
            by_person.setdefault(remote_id, []).append(call)
    effects = {who: [c for c in own if c["effect"]] for who, own in by_person.items()}
    assert {len(own) for own in effects.values() if own} == {1}
    assert sum(map(len, effects.values())) == total
    for own in by_person.values():
        patches = [place for place, call in enumerate(own) if call["method"] == "PATCH"]
        for earlier, later in itertools.pairwise(patches):
            assert any(call["method"] == "GET" for call in own[earlier + 1 : later])


def _check_shredded(total: int) -> None:
    """Whoever's worker was killed between the step and the key is left to the reconciler, whose
    bell rings for the first time that long after a worker began."""
    deadline = time.monotonic() + TICKS["apps.subjects.tasks.finish_shredding"] + 30
    shredded = Subject.objects.filter(state=Subject.State.SHREDDED)
    while shredded.count() < total and time.monotonic() < deadline:
        time.sleep(0.2)
    assert shredded.count() == total
