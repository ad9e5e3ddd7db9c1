"""Sealing the archive: one copy, none without a ground, none whose key is about to go."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from apps.connectors import services as connectors
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import archiving, claims, running
from apps.erasure import services as erasure
from apps.erasure.models import Archive, Plan, Step
from tests.journeys.archiving import approve, keeping, proposed, sealed_by_hand, told
from tests.journeys.house import House, remote_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _short_lease(settings: Settings) -> None:
    settings.LETHE_LEASE_SECONDS = 5


def test_sealing_again_before_anything_was_sent_leaves_one_copy(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    step, _before = sealed_by_hand(house)
    adapter = connectors.adapter(house.connection)
    remote_id = str(remote_of(1))
    for _attempt in range(2):
        before = adapter.export([remote_id])[remote_id]
        refusal = archiving.seal(
            actor=SYSTEM, step=step, before=before, capabilities=adapter.capabilities
        )
        assert refusal is None
    assert Archive.objects.count() == 1
    claims.let_go(step, wait=timedelta())
    house.run()
    assert house.outcome(record).state == Step.State.ARCHIVED


def test_a_copy_sealed_for_a_plan_that_was_then_refused_is_discarded(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    step, _before = sealed_by_hand(house)
    claims.let_go(step, wait=timedelta(minutes=1), code="paused")
    Plan.objects.update(grace_until=clock.now() + timedelta(hours=1))
    erasure.call_back(actor=house.company.dpo_actor, plan_id=plan.pk)
    erasure.refuse(actor=house.company.dpo_actor, plan_id=plan.pk)
    assert Archive.objects.get().state == Archive.State.SEALED
    running.advance_all(actor=SYSTEM)
    assert Archive.objects.get().state == Archive.State.DISCARDED
    assert told(record)[-1] == "archive.discarded"


def test_a_copy_that_is_being_given_up_is_not_sealed_anew(house: House) -> None:
    """Its key is about to be destroyed: what was sealed with it would open for nobody."""
    plan, (_record,) = proposed(house, 1)
    approve(house, plan)
    step, before = sealed_by_hand(house)
    refusals: list[object] = []

    def seal() -> None:
        with scope.enter(house.company.id):
            refusals.append(
                archiving.seal(
                    actor=SYSTEM,
                    step=step,
                    before=before,
                    capabilities=connectors.adapter(house.connection).capabilities,
                )
            )
        connections.close_all()

    sealing = threading.Thread(target=seal)
    with transaction.atomic():
        Archive.objects.update(state=Archive.State.DISCARDING)
        sealing.start()
        sealing.join(timeout=2)
        assert sealing.is_alive()
    sealing.join(timeout=30)
    assert refusals == [archiving.LOST]
    assert [one.state for one in Archive.objects.all()] == ["discarding"]


def test_a_worker_that_lost_its_lease_touches_no_archive(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    step, before = sealed_by_hand(house)
    claims.let_go(step, wait=timedelta(), code="")
    house.run()
    assert house.outcome(record).state == Step.State.ARCHIVED
    kept = Archive.objects.get()
    refusal = archiving.seal(
        actor=SYSTEM,
        step=step,
        before=before,
        capabilities=connectors.adapter(house.connection).capabilities,
    )
    assert refusal in {None, archiving.LOST}
    again = Archive.objects.get()
    assert (again.state, again.commitment) == ("kept", kept.commitment)


def test_what_became_due_after_a_residue_leaves_no_archive(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    house.fault("silent_ignore", [remote_of(1)], fields=["notes"], times=1)
    house.run()
    assert Archive.objects.get().state == Archive.State.SEALED
    keeping(house.company, "P1M")
    house.sync()
    house.decide()
    again = house.propose(again=True)
    assert not again.steps.get().to_archive
    house.approve(again)
    house.run()
    assert house.outcome(record).state == Step.State.VERIFIED
    assert Archive.objects.get().state == Archive.State.DISCARDED


def test_without_a_ground_of_the_archive_nothing_is_sealed_and_nothing_sent(
    house: House,
) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    (step,) = claims.claim(
        actor=SYSTEM, connection_id=house.connection.pk, states=[Step.State.PLANNED]
    )
    adapter = connectors.adapter(house.connection)
    remote_id = str(remote_of(1))
    before = adapter.export([remote_id])[remote_id]
    record.grounds.all().delete()
    refusal = archiving.seal(
        actor=SYSTEM, step=step, before=before, capabilities=adapter.capabilities
    )
    assert refusal is not None
    assert refusal.code == "archive_unproven"
    assert not Archive.objects.exists()
