"""What may happen between a decision and its call, or between a call and the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import Settings

from apps.connectors import services as connectors
from apps.connectors.greenhouse.adapter import Greenhouse
from apps.connectors.models import VendorEvent
from apps.connectors.port import Check, Connector, RemoteCandidate, Snapshot
from apps.consents import services as consents
from apps.core import clock
from apps.erasure import execution
from apps.erasure.models import Step
from apps.keys import services as keys
from apps.subjects import sync
from apps.subjects.models import Record
from tests.journeys.house import House, planned, remote_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _short_lease(settings: Settings) -> None:
    settings.LETHE_LEASE_SECONDS = 5


def advance(house: House, adapter: Connector) -> None:
    execution.advance_with(
        actor=house.company.dpo_actor, connection_id=house.connection.pk, adapter=adapter
    )


def as_a(kind: type[Greenhouse], house: House) -> Greenhouse:
    """The connection's adapter, behaving as this one."""
    made = kind.__new__(kind)
    made.__dict__.update(vars(connectors.adapter(house.connection)))
    return made


def consent(house: House, record: Record) -> None:
    consents.record(
        actor=house.company.recops_actor,
        subject_id=record.subject_id,
        purpose="talent_pool",
        effective_on=clock.today("Europe/Paris"),
        notice="2026-01",
        source="console",
    )


def test_a_consent_given_while_a_refused_call_waits_calls_the_erasure_off(house: House) -> None:
    _, (record,) = planned(house, 1)
    house.fault("rate_limited", methods=["PATCH"], times=2, seconds=1)
    advance(house, connectors.adapter(house.connection))
    step = house.outcome(record)
    assert (step.state, step.code, step.sends) == ("sent", "rate_limited", 1)
    consent(house, record)
    house.run()
    assert (house.outcome(record).state, house.effects()) == (Step.State.STALE, [])
    record.refresh_from_db()
    assert (record.state, record.sending_step) == (Record.State.PRESENT, None)
    assert keys.open_one(record.subject_id)


def test_a_consent_after_a_call_nobody_answered_allows_no_second_call(house: House) -> None:
    """Heard or not, nobody knows: the reading says how it ended, and here nothing went."""
    _, (record,) = planned(house, 1)
    house.fault("server_error", methods=["PATCH"], times=1)
    advance(house, connectors.adapter(house.connection))
    assert house.outcome(record).state == Step.State.SENT
    consent(house, record)
    house.run()
    step = house.outcome(record)
    assert (step.state, step.sends, house.effects()) == (Step.State.RESIDUAL, 1, [])


class Late(Greenhouse):
    """Its readings are minutes old when their turn comes."""

    def export(self, remote_ids: Sequence[str]) -> Mapping[str, Snapshot]:
        then = clock.now() - timedelta(minutes=5)
        found = super().export(remote_ids)
        return {remote_id: replace(one, read_at=then) for remote_id, one in found.items()}


def test_an_old_reading_is_read_again_before_anything_is_sent(house: House) -> None:
    _, (record,) = planned(house, 1)
    advance(house, as_a(Late, house))
    step = house.outcome(record)
    assert (step.state, step.sends, house.effects()) == (Step.State.PLANNED, 0, [])
    house.run()
    assert house.outcome(record).state == Step.State.VERIFIED


class Blind(Greenhouse):
    """An account that shows nobody any more, with a credential that seems whole."""

    def export(self, remote_ids: Sequence[str]) -> Mapping[str, Snapshot]:
        return {one: Snapshot(one, found=False, read_at=clock.now()) for one in remote_ids}

    def search(self, email: str) -> tuple[str, ...]:  # noqa: ARG002 - whoever it is
        return ()

    def fetch(
        self,
        remote_ids: Sequence[str],  # noqa: ARG002 - whoever they are
    ) -> Mapping[str, RemoteCandidate]:
        return {}


class Elsewhere(Blind):
    """As blind, because its credential opens another account, where others are shown."""

    def fetch(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteCandidate]:
        return Greenhouse.fetch(self, remote_ids)

    def check(self) -> Check:
        return replace(super().check(), account="f" * 64)


@pytest.mark.parametrize("kind", [Blind, Elsewhere])
def test_an_account_that_shows_nobody_proves_no_absence(
    house: House, kind: type[Greenhouse]
) -> None:
    house.control("POST", "candidates", {"index": 2, "kind": "in_process"})
    _, (record,) = planned(house, 1)
    assert house.record(remote_of(2)).state == Record.State.PRESENT
    advance(house, as_a(kind, house))
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.UNVERIFIABLE, "absence_unproven")
    record.refresh_from_db()
    assert record.state == Record.State.PRESENT
    assert keys.open_one(record.subject_id)


def test_a_connection_is_read_again_soon_after_an_event_and_not_after_an_echo(
    house: House,
) -> None:
    planned(house, 1)
    events = VendorEvent.objects.exclude(action="candidate_anonymized")
    assert until(events.exists)  # of the candidate's coming, which was read already
    house.sync()
    assert sync.due() == []
    house.run()
    assert VendorEvent.objects.filter(action="candidate_anonymized").exists()
    assert sync.due() == []
    house.control("POST", "applications", {"candidate_id": remote_of(1), "job_id": 9})
    assert until(lambda: sync.due() == [house.connection.pk])
    house.sync()
    assert sync.due() == []


def until(true: Callable[[], bool]) -> bool:
    """Webhooks come when they come: at most five seconds later."""
    stop = clock.now() + timedelta(seconds=5)
    while not true() and clock.now() < stop:
        time.sleep(0.05)
    return true()
