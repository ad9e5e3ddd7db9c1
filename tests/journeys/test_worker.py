"""The same journey, walked by a real worker on whichever broker this session has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from apps.erasure.models import Plan, Step
from apps.subjects.models import Record
from config.supervisor import Supervisor, worker
from tests.journeys.house import House, expired

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "config.test", "LETHE_LEASE_SECONDS": "5"}


def test_the_worker_walks_a_plan_to_its_certificate(house: House, tmp_path: Path) -> None:
    expired(house, 1, 2, 3)
    house.sync()
    house.decide()
    plan = house.approve(house.propose())
    deadline = time.monotonic() + 150
    with Supervisor([worker(environment=ENVIRONMENT)], logs=tmp_path):
        while not Plan.objects.filter(pk=plan.pk, state=Plan.State.FINISHED).exists():
            assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()[-2000:]
            time.sleep(0.2)
    assert set(Step.objects.values_list("state", flat=True)) == {Step.State.VERIFIED}
    assert not Record.objects.exclude(state=Record.State.ERASED).exists()
    assert len(house.effects()) == 3
