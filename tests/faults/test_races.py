"""Invariant 2, raced: a hold that is accepted has no effect behind it, or it is too late."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections

from apps.connectors import services as connectors
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict
from apps.erasure import execution, planning
from apps.erasure.models import Plan, Step
from apps.retention import services as retention
from tests.faults import table
from tests.faults.conftest import Scale
from tests.journeys.house import House, expired

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def _planned(house: House, size: int) -> Plan:
    expired(house, *range(1, size + 1))
    house.sync()
    house.decide()
    connectors.change(
        actor=house.company.dpo_actor,
        connection_id=house.connection.pk,
        values={"most_percent": 100},
    )
    return house.approve(house.propose())


def test_a_hold_raced_against_its_step_is_accepted_without_effect_or_too_late(
    house: House, scale: Scale, dice: random.Random
) -> None:
    plan = _planned(house, scale.races)
    steps = list(plan.steps.select_related("record").order_by("pk"))
    finished = threading.Event()

    def work() -> None:
        try:
            with scope.enter(house.company.id):
                while not finished.is_set():
                    execution.advance(actor=SYSTEM, connection_id=house.connection.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    found: Counter[str] = Counter()
    told: dict[UUID, str] = {}
    try:
        for step in _a_little_ahead(steps, dice):
            _wait_near(step)
            time.sleep(dice.uniform(0, 0.06))
            told[step.pk] = _hold(house, step)
            found[told[step.pk]] += 1
        _until_ended()
    finally:
        finished.set()
        worker.join()
    effects = {who for call in house.effects() for who in call["candidate_ids"]}
    ended = dict(Step.objects.values_list("pk", "state"))
    accepted = [pk for pk, answer in told.items() if answer == "accepted"]
    table.report(
        "a hold placed while its step runs",
        did={"races": len(steps), "accepted": found["accepted"], "too late": found["too_late"]},
        wrong={
            "other answers": len(steps) - found["accepted"] - found["too_late"],
            "accepted and not held": sum(ended[pk] != Step.State.HELD for pk in accepted),
            "effects on accepted": len(effects) - (len(steps) - len(accepted)),
        },
    )


def _a_little_ahead(steps: list[Step], dice: random.Random) -> list[Step]:
    """In the order in which the worker takes them, some a few places early."""
    return [
        step
        for _, step in sorted(
            ((place - dice.choice([0, 0, 3]), step) for place, step in enumerate(steps)),
            key=lambda pair: pair[0],
        )
    ]


def _wait_near(step: Step) -> None:
    """Until the worker has this step in hand; what it ends meanwhile is raced too late."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = Step.objects.filter(pk=step.pk).values_list("state", flat=True)[0]
        if state != Step.State.PLANNED:
            return
        time.sleep(0.002)


def _hold(house: House, step: Step) -> str:
    try:
        retention.place_hold(
            actor=house.company.dpo_actor,
            subject_id=step.record.subject_id,
            reason="A dispute.",
            review_on=clock.today("Europe/Paris") + timedelta(days=30),
        )
    except Conflict as error:
        return error.code
    return "accepted"


def _until_ended(seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while Step.objects.filter(state__in=("planned", "claimed", "sent")).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_sweeps_at_once_propose_each_record_once(house: House, dice: random.Random) -> None:
    expired(house, *range(1, 21))
    house.sync()
    house.decide()
    together = threading.Barrier(4)
    made: list[int] = []

    def sweep() -> None:
        try:
            with scope.enter(house.company.id):
                together.wait()
                as_of = clock.today("Europe/Paris")
                plans = planning.propose(actor=SYSTEM, as_of=as_of)
                made.extend(plan.steps.count() for plan in plans)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table.report(
        "four sweeps at once",
        did={"records": 20, "plans": len(made)},
        wrong={"records in two plans": sum(made) - 20, "plans too many": len(made) - 1},
    )
