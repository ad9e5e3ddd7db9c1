"""An ATS that fails in the middle: nothing is called erased that was not, nothing done twice."""

from __future__ import annotations

import itertools

import pytest
from pytest_django import Settings

from apps.connectors import services as connectors
from apps.core import clock
from apps.erasure import planning
from apps.erasure.models import Step
from tests.journeys.house import House, planned, remote_of

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _short_lease(settings: Settings) -> None:
    settings.LETHE_LEASE_SECONDS = 5


def test_a_lying_confirmation_does_not_beat_what_was_read(house: House) -> None:
    _, (record,) = planned(house, 1)
    house.fault("silent_ignore", fields=["notes"], lie=True)
    house.run()
    assert house.outcome(record).state == Step.State.RESIDUAL


def test_a_residue_needs_a_newly_approved_step(house: House) -> None:
    _, (record,) = planned(house, 1)
    house.fault("silent_ignore", fields=["notes"])
    house.run()
    house.control("DELETE", "faults")
    house.sync()
    house.decide()
    as_of = clock.today("Europe/Paris")
    assert planning.propose(actor=house.company.recops_actor, as_of=as_of) == []
    house.approve(house.propose(again=True))
    house.run()
    assert house.outcome(record).state == Step.State.VERIFIED


@pytest.mark.parametrize(
    "fault", ["timeout_after_effect", "timeout_before_effect", "cut_connection", "server_error"]
)
def test_an_answer_that_never_came_is_read_before_any_second_call(house: House, fault: str) -> None:
    _, (record,) = planned(house, 1)
    house.fault(fault, times=1, methods=["PATCH"], seconds=1)
    house.run(60)
    assert house.outcome(record).state == Step.State.VERIFIED
    calls = house.control("GET", "journal")
    effects = [call["n"] for call in calls if call["effect"]]
    patches = [call["n"] for call in calls if call["method"] == "PATCH"]
    assert len(effects) == 1
    for earlier, later in itertools.pairwise(patches):
        assert any(earlier < c["n"] < later and c["method"] == "GET" for c in calls)


def test_a_rate_limit_delays_and_loses_nothing(house: House) -> None:
    _, records = planned(house, 1, 2, 3)
    house.fault("rate_limited", times=4)
    house.run(60)
    assert {house.outcome(record).state for record in records} == {Step.State.VERIFIED}
    assert len(house.effects()) == 3


def test_a_call_that_one_record_only_is_refused_fails_and_says_so(house: House) -> None:
    _, (record,) = planned(house, 1)
    house.fault("scope_lost", [remote_of(1)], methods=["PATCH"])
    house.run(60)
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.FAILED, "forbidden")
    assert house.effects() == []
    record.refresh_from_db()
    assert record.sending_step is None


def test_an_id_that_vanished_counts_only_when_nobody_is_found(house: House) -> None:
    # Somebody who stays: an account that shows nobody any more proves no absence.
    house.control("POST", "candidates", {"index": 3, "kind": "in_process"})
    _, (gone, hidden) = planned(house, 1, 2)
    house.fault("gone_from_ids", [remote_of(2)])
    one = remote_of(1)
    token = connectors.adapter(house.connection)
    token.delete(str(one))
    house.run(60)
    assert (house.outcome(gone).state, house.outcome(gone).code) == (
        Step.State.VERIFIED,
        "absent",
    )
    assert house.outcome(hidden).state == Step.State.UNVERIFIABLE
    assert house.outcome(hidden).code == "id_not_returned"


def test_a_merged_person_lives_on_and_is_not_called_erased(house: House) -> None:
    _, (record, winner) = planned(house, 1, 2)
    loser, into = remote_of(1), remote_of(2)
    house.control("POST", "merge", {"primary_id": into, "secondary_id": loser})
    house.run(60)
    assert (house.outcome(record).state, house.outcome(record).code) == (Step.State.STALE, "merged")
    assert house.outcome(winner).state in {Step.State.STALE, Step.State.VERIFIED}
