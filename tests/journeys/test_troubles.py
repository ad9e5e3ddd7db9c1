"""What goes wrong on the way, and whose trouble it stays: a connection's, or one record's."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import translation

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.connectors import http
from apps.connectors import services as connectors
from apps.connectors.greenhouse.adapter import Greenhouse
from apps.connectors.port import Receipt
from apps.controllers.models import Controller
from apps.core import clock
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Missing, Refused
from apps.erasure import execution, obstacles, running, services
from apps.erasure.models import Obstacle, Step
from apps.retention import services as retention
from apps.subjects.models import Record
from tests.journeys.house import House, planned, remote_of


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks twice, not six times: what is told here begins where it gives up."""
    monkeypatch.setattr(http, "ATTEMPTS", 2)


def ticks(number: int) -> None:
    """That many ticks, each of which may try the connection again."""
    for _ in range(number):
        Obstacle.objects.update(look_again_at=clock.now())
        Step.objects.filter(state__in=("planned", "sent")).update(not_before=None)
        running.advance_all(actor=SYSTEM)


def verbs() -> list[str]:
    audit.integrate()
    return list(Entry.objects.order_by("index").values_list("verb", flat=True))


def test_an_ats_that_is_down_costs_no_step_anything(house: House) -> None:
    planned(house, 1, 2, 3)
    house.fault("server_error", status=503)
    ticks(8)
    steps = Step.objects.all()
    assert {(step.state, step.errors) for step in steps} == {("planned", 0)}
    found = obstacles.standing().get()
    assert (found.code, found.writing) == ("vendor_error", False)
    assert found.look_again_at > clock.now() + timedelta(seconds=60)
    assert running.advance_all(actor=SYSTEM) == 0  # nobody asks before that
    house.control("DELETE", "faults")
    services.look_again(actor=house.company.recops_actor, connection_id=house.connection.pk)
    house.run()
    assert set(steps.values_list("state", flat=True)) == {"verified"}
    assert not Obstacle.objects.exists()
    told = verbs()
    assert told.count("erasure.blocked") == told.count("erasure.unblocked") == 1
    with pytest.raises(Missing):
        services.look_again(actor=house.company.recops_actor, connection_id=house.connection.pk)


def test_a_trouble_that_passes_at_once_is_nothing_to_tell(house: House) -> None:
    planned(house, 1)
    house.fault("server_error", status=503, times=20, methods=["GET"])
    ticks(1)
    assert Obstacle.objects.exists()
    assert not obstacles.standing().exists()
    house.control("DELETE", "faults")
    ticks(1)
    assert not Obstacle.objects.exists()
    assert "erasure.blocked" not in verbs()


def test_one_record_that_cannot_be_read_keeps_nobody_waiting(house: House) -> None:
    _, (bad, *others) = planned(house, 1, 2, 3)
    house.fault("server_error", [remote_of(1)], methods=["GET"])
    ticks(8)
    for record in others:
        assert house.outcome(record).state == Step.State.VERIFIED
    step = house.outcome(bad)
    assert step.state == Step.State.PLANNED
    assert step.errors > 1
    assert not Obstacle.objects.exists()
    ticks(12)
    step.refresh_from_db()
    assert (step.state, step.code) == (Step.State.FAILED, "vendor_error")
    assert not [call for call in house.effects() if call["candidate_ids"] == [remote_of(1)]]


def test_a_lost_permission_is_met_once_and_everything_waits_for_it(house: House) -> None:
    _, records = planned(house, 1, 2, 3)
    house.fault("scope_lost", scope="harvest:candidates:anonymize")
    running.advance_all(actor=SYSTEM)
    Step.objects.filter(state="sent").update(not_before=None)
    running.advance_all(actor=SYSTEM)  # what was refused is read back: whole
    found = obstacles.standing().get()
    assert (found.code, found.writing) == ("forbidden", True)
    steps = Step.objects.all()
    assert set(steps.values_list("state", flat=True)) == {"planned"}
    assert sum(steps.values_list("sends", flat=True)) <= 2
    assert not Record.objects.exclude(sending_step=None).exists()
    # Nothing is being erased, so that a hold still comes in time.
    retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=records[0].subject_id,
        reason="A dispute.",
        review_on=clock.today("Europe/Paris") + timedelta(days=30),
    )
    house.control("DELETE", "faults")
    services.look_again(actor=house.company.dpo_actor, connection_id=house.connection.pk)
    house.run()
    assert house.outcome(records[0]).state == Step.State.HELD
    assert {house.outcome(one).state for one in records[1:]} == {Step.State.VERIFIED}
    assert "step.put_back" in verbs()


def test_a_record_whose_workers_die_with_it_is_set_aside(house: House) -> None:
    _, (bad, other) = planned(house, 1, 2)
    lost = {"state": "claimed", "lease_until": clock.now() - timedelta(seconds=1)}
    Step.objects.filter(record=bad).update(**lost, errors=11)
    running.advance_all(actor=SYSTEM)
    house.run()
    assert house.outcome(other).state == Step.State.VERIFIED
    step = house.outcome(bad)
    assert (step.state, step.code) == (Step.State.FAILED, "set_aside")


class Broken(Greenhouse):
    """An adapter with a bug that one candidate meets, and whose words name that candidate."""

    def anonymize(self, remote_id: str) -> Receipt:
        if remote_id == str(remote_of(1)):
            raise ValueError("Ada Lovelace <ada@example.org> broke it")
        return super().anonymize(remote_id)


def test_a_bug_is_one_records_trouble_and_names_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    _, (bad, other) = planned(house, 1, 2)
    broken = Broken.__new__(Broken)
    broken.__dict__.update(vars(connectors.adapter(house.connection)))
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            Step.objects.filter(state="sent").update(not_before=None)
            execution.advance_with(actor=SYSTEM, connection_id=house.connection.pk, adapter=broken)
    assert house.outcome(other).state == Step.State.VERIFIED
    # It was committed as sent, and nobody knows: it is read, and never taken for done.
    assert house.outcome(bad).state == Step.State.SENT
    assert str(house.outcome(bad).pk) in caplog.text
    assert "Ada" not in caplog.text


def test_a_merged_file_follows_the_survivor_and_is_looked_for_after_it(house: House) -> None:
    _, (gone, survivor) = planned(house, 1, 2)
    house.control("POST", "merge", {"primary_id": remote_of(2), "secondary_id": remote_of(1)})
    house.run()
    step = house.outcome(gone)
    assert (step.state, step.code, step.follows_id) == (Step.State.STALE, "merged", survivor.pk)
    gone.refresh_from_db()
    assert gone.state == Record.State.GONE
    # The survivor's facts changed with the merge: it is decided anew, and the other waits.
    assert house.outcome(survivor).state == Step.State.STALE
    house.decide()
    house.approve(house.propose())
    house.run()
    assert house.outcome(survivor).state == Step.State.VERIFIED
    house.decide()
    house.approve(house.propose())
    house.run()
    last = house.outcome(gone)
    assert (last.state, last.code) == (Step.State.VERIFIED, "absent")


def test_everything_can_be_stopped_by_anyone_and_resumed_by_a_dpo(house: House) -> None:
    _, (record,) = planned(house, 1)
    services.stop_all(actor=house.company.recops_actor)
    with pytest.raises(Conflict):
        services.stop_all(actor=house.company.dpo_actor)
    assert running.advance_all(actor=SYSTEM) == 0
    assert not Controller.objects.get(pk=house.company.id).erases
    with pytest.raises(Refused):
        services.resume_all(actor=house.company.recops_actor)
    services.resume_all(actor=house.company.dpo_actor)
    house.run()
    assert house.outcome(record).state == Step.State.VERIFIED
    told = verbs()
    assert told.index("controller.erasures_stopped") < told.index("controller.erasures_resumed")


def test_a_connection_is_paused_by_anyone_and_resumed_by_a_dpo(house: House) -> None:
    given = {"connection_id": house.connection.pk}
    services.pause(actor=house.company.recops_actor, **given)
    with pytest.raises(Refused):
        services.resume(actor=house.company.recops_actor, **given)
    services.resume(actor=house.company.dpo_actor, **given)
    with translation.override("en"), pytest.raises(Conflict):
        services.resume(actor=house.company.dpo_actor, **given)
