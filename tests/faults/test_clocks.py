"""A machine's clock a day off, either way: nothing begins early, nothing waits, nobody is due."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from apps.audit import bodies
from apps.audit import services as audit
from apps.audit.models import Entry
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import running
from apps.erasure import services as erasure
from apps.erasure.models import Plan, Step
from apps.retention import selectors
from apps.retention import services as retention
from tests.faults.test_killed_worker import wait_until, worker
from tests.journeys.house import House, expired, planned

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("days", [-1, 1])
def test_a_worker_a_day_off_does_what_is_due_and_begins_nothing_early(
    house: House, tmp_path: Path, days: int
) -> None:
    expired(house, 1, 2, 3, 4, 5, 6)
    house.sync()
    house.decide()
    now = house.approve(house.propose(limit=4))
    Connection.objects.update(grace_seconds=3_600)
    later = house.approve(house.propose())
    assert later.steps.count() == 2
    log = tmp_path / "worker.log"
    with worker(log, days=days):
        wait_until(log, later.steps.count())
        time.sleep(6)  # three more ticks
    assert set(now.steps.values_list("state", flat=True)) == {Step.State.VERIFIED}
    assert set(later.steps.values_list("state", "attempt")) == {(Step.State.PLANNED, 0)}
    assert len(house.effects()) == 4
    audit.integrate()
    told = Entry.objects.filter(verb__in=["step.sent", "step.verified", "record.entombed"])
    assert told.count() == 12
    for entry in told:
        written = bodies.parse(bytes(entry.body)).at
        assert abs(clock.now() - written) < timedelta(minutes=10)


def test_a_machine_a_day_ahead_finds_nobody_due_a_day_early(house: House) -> None:
    _plan, (record,) = planned(house, 1)
    today = clock.today("Europe/Paris")
    decision = selectors.decide(record.pk, as_of=today)
    assert decision.deciding is not None
    anchor = decision.deciding.ground.anchor
    assert anchor is not None
    retention.override(
        actor=house.company.dpo_actor,
        policy_id=Plan.objects.get().policy_id,
        rule=decision.deciding.ground.rule,
        duration=f"P{(today - anchor).days}D",
        reason="Until tonight",
    )
    with scope.enter(house.company.id), time_machine.travel(clock.now() + timedelta(days=1)):
        assert running.propose_routine(actor=SYSTEM) == 0
        house.run()
        step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.STALE, "no_longer_due")
    assert house.effects() == []
    assert erasure.propose(actor=SYSTEM, as_of=clock.today("Europe/Paris")) == []
