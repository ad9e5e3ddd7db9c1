"""What must never happen between a decision and its call, by name (see tests/retention too)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import clock
from apps.core.actors import SYSTEM
from apps.erasure.models import Step
from apps.retention import selectors, services
from apps.retention.meanings import Entry
from tests.journeys.house import House, expired, planned, remote_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_approved_but_changed_before_the_run_is_not_acted_on(house: House) -> None:
    _, (changed, other) = planned(house, 1, 2)
    applied = {"candidate_id": remote_of(1), "job_id": 9, "silent": True}
    house.control("POST", "applications", applied)
    house.sync()
    house.run()
    assert house.outcome(changed).state == Step.State.STALE
    assert house.outcome(other).state == Step.State.VERIFIED
    touched = {remote_id for call in house.effects() for remote_id in call["candidate_ids"]}
    assert touched == {remote_of(2)}


def test_a_word_mapped_otherwise_after_the_approval_means_no_call(house: House) -> None:
    _, (record,) = planned(house, 1)
    services.change_mapping(
        actor=house.company.recops_actor,
        connection_id=record.connection_id,
        entries=[Entry("status", "rejected", "open")],
        version=0,
    )
    house.run()
    assert house.outcome(record).state == Step.State.STALE
    assert house.effects() == []


def test_a_hold_placed_between_due_and_act_means_nothing_is_done(house: House) -> None:
    expired(house, 1)
    house.sync()
    house.decide()
    day = clock.today("Europe/Paris")
    record = house.record(remote_of(1))
    assert selectors.due_ids(as_of=day) == [record.pk]
    services.place_hold(
        actor=house.company.dpo_actor,
        subject_id=record.subject_id,
        reason="A dispute.",
        review_on=day + timedelta(days=30),
    )
    assert selectors.due_ids(as_of=day) == []
    house.run()
    assert house.effects() == []


def test_a_restriction_placed_after_the_approval_means_no_call(house: House) -> None:
    _, (record,) = planned(house, 1)
    services.restrict(actor=house.company.dpo_actor, subject_id=record.subject_id, ground="claims")
    house.run()
    assert house.outcome(record).state == Step.State.STALE
    assert house.effects() == []
    services.refresh(actor=SYSTEM)
    assert selectors.due_ids(as_of=clock.today("Europe/Paris")) == []


def test_a_period_lengthened_after_the_approval_means_no_call(house: House) -> None:
    plan, (record,) = planned(house, 1)
    services.override(
        actor=house.company.dpo_actor,
        policy_id=plan.policy_id,
        rule="rejected",
        duration="P9Y",
        reason="Claims are frequent",
    )
    house.run()
    assert house.outcome(record).state == Step.State.STALE
    assert house.effects() == []
