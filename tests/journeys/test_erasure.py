"""Sweep → plan → act → read back → evidence, against an ATS that behaves and one that does not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pytest_django import Settings

from apps.audit import note as notes
from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit import verification
from apps.connectors import services as connectors
from apps.connectors.fakes.greenhouse import people
from apps.connectors.greenhouse.adapter import Greenhouse
from apps.connectors.port import Receipt
from apps.core import clock
from apps.core.errors import Conflict, Refused
from apps.erasure import certificates, claims, execution, planning, running
from apps.erasure.models import Plan, Step
from apps.keys import services as keys
from apps.retention import services as retention
from apps.subjects.models import Record, Subject
from demo.traces import Needles, search
from tests.journeys.house import SEED, House, expired, planned, remote_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _short_lease(settings: Settings) -> None:
    settings.LETHE_LEASE_SECONDS = 5


def needles(*indexes: int) -> Needles:
    found = Needles()
    for index in indexes:
        one = people.person(SEED, index)
        found.add(index, surname=one.surname, emails=one.emails, phones=one.phones)
    return found


def traces(house: House, *indexes: int) -> set[int]:
    dump = json.dumps(house.control("GET", "dump")).encode()
    return search(dump, needles(*indexes))


def test_an_expired_candidate_is_erased_read_back_and_proven(house: House) -> None:
    plan, (record,) = planned(house, 1)
    assert traces(house, 1) == {1}
    house.run()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.VERIFIED, "")
    assert step.residue == step.unread == []
    assert "full_name" in step.clean
    assert step.confirmed
    assert traces(house, 1) == set()
    assert len(house.effects()) == 1
    record.refresh_from_db()
    assert record.state == Record.State.ERASED
    assert Subject.objects.get(pk=record.subject_id).state == Subject.State.SHREDDED
    with pytest.raises(keys.KeyShredded):
        keys.open_one(record.subject_id)
    _check_certificate(house, plan, step)


def _check_certificate(house: House, plan: Plan, step: Step) -> None:
    audit.integrate()
    assert verification.verify(house.company.id).ok
    found = certificates.certificate(plan.pk)
    log = ledger.log(house.company.id)
    text = notes.verify(found.note, [notes.VerifierKey.parse(log.vkey)])
    content = json.loads(text.splitlines()[1])
    (shown,) = content["steps"]
    assert shown["outcome"] == "verified"
    assert shown["fields"]["clean"] == step.clean
    assert set(shown["commitments"]) == {"before", "after"}
    assert content["effective"] == content["finished_at"]
    assert content["irreversible"]["by"] == shown["key"]["irreversible_by"] > content["effective"]
    with pytest.raises(notes.NoteError):
        notes.verify(
            found.note.replace("verified", "residual"), [notes.VerifierKey.parse(log.vkey)]
        )


@pytest.mark.parametrize("fault", ["silent_ignore", "half_done"])
def test_what_remains_is_named_and_never_called_erased(house: House, fault: str) -> None:
    _, (record, other) = planned(house, 1, 2)
    options = {"fields": ["notes", "phone_numbers"]} if fault == "silent_ignore" else {"keep": 3}
    house.fault(fault, [remote_of(1)], **options)
    house.run()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.RESIDUAL, "data_remain")
    assert {"notes", "phone_numbers"} & set(step.residue)
    record.refresh_from_db()
    assert record.state == Record.State.PRESENT
    assert Subject.objects.get(pk=record.subject_id).state == Subject.State.LIVING
    assert house.outcome(other).state == Step.State.VERIFIED
    assert _audited("step.residual", record)
    assert not _audited("step.verified", record)


def test_without_the_vendors_event_what_no_read_shows_is_unverifiable(house: House) -> None:
    _, (record,) = planned(house, 1)
    house.fault("webhook_lost")
    house.run()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.UNVERIFIABLE, "not_confirmed")
    assert step.unread
    assert step.residue == []


def test_a_person_who_applied_again_since_the_plan_is_left_alone(house: House) -> None:
    _, (record,) = planned(house, 1)
    remote_id = remote_of(1)
    house.control("POST", "applications", {"candidate_id": remote_id, "job_id": 9, "silent": True})
    house.run()
    assert (house.outcome(record).state, house.effects()) == (Step.State.STALE, [])
    record.refresh_from_db()
    assert record.version == 2


def test_a_hold_placed_first_means_no_call(house: House) -> None:
    _, (record, other) = planned(house, 1, 2)
    retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=record.subject_id,
        reason="A dispute.",
        review_on=clock.today("Europe/Paris") + timedelta(days=30),
    )
    house.run()
    assert house.outcome(record).state == Step.State.HELD
    assert house.outcome(other).state == Step.State.VERIFIED
    assert traces(house, 1, 2) == {1}


def test_a_hold_after_the_call_was_committed_is_too_late_and_says_which_step(
    house: House,
) -> None:
    _, (record,) = planned(house, 1)
    house.fault("webhook_lost")
    running_step = execution.advance(
        actor=house.company.dpo_actor, connection_id=house.connection.pk
    )
    assert running_step == 1
    step = house.outcome(record)
    assert step.state == Step.State.SENT
    with pytest.raises(Conflict) as refused:
        retention.place_hold(
            actor=house.company.dpo_actor,
            subject_id=record.subject_id,
            reason="A dispute.",
            review_on=clock.today("Europe/Paris") + timedelta(days=30),
        )
    assert refused.value.code == "too_late"
    assert str(step.pk) in str(refused.value.message)


def test_a_hold_on_a_person_the_ats_has_lost_keeps_the_record_here(house: House) -> None:
    _, (record,) = planned(house, 1)
    retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=record.subject_id,
        reason="A dispute.",
        review_on=clock.today("Europe/Paris") + timedelta(days=30),
    )
    connectors.adapter(house.connection).delete(str(remote_of(1)))
    house.run()
    assert house.outcome(record).state == Step.State.HELD
    record.refresh_from_db()
    assert record.state == Record.State.PRESENT
    assert keys.open_one(record.subject_id)


def test_a_pause_stops_what_was_not_sent(house: House) -> None:
    _, (record,) = planned(house, 1)
    connectors.pause(actor=house.company.dpo_actor, connection_id=house.connection.pk)
    assert running.advance_all(actor=house.company.dpo_actor) == 0
    assert (house.outcome(record).state, house.effects()) == (Step.State.PLANNED, [])
    connectors.resume(actor=house.company.dpo_actor, connection_id=house.connection.pk)
    house.run()
    assert house.outcome(record).state == Step.State.VERIFIED


def test_deleting_is_verified_by_absence_and_a_search(house: House) -> None:
    connectors.change(
        actor=house.company.dpo_actor,
        connection_id=house.connection.pk,
        values={"action": "delete"},
    )
    _, (record,) = planned(house, 1)
    house.run()
    step = house.outcome(record)
    assert (step.state, step.clean) == (Step.State.VERIFIED, ["record"])
    assert traces(house, 1) == set()
    assert len(house.effects()) == 1


class Naive(Greenhouse):
    """What most tools do: overwrite the name and the e-mail, and call it a day."""

    def anonymize(self, remote_id: str) -> Receipt:
        fields = ("full_name", "email_addresses")
        path = f"candidates/{remote_id}/anonymize"
        return self._act("PATCH", path, {"fields": list(fields)}, fields)


def test_overwriting_name_and_email_is_residual(house: House) -> None:
    _, (record,) = planned(house, 1)
    naive = Naive.__new__(Naive)
    naive.__dict__.update(vars(connectors.adapter(house.connection)))
    _settle(house, naive)
    step = house.outcome(record)
    assert step.state == Step.State.RESIDUAL
    assert {"phone_numbers", "notes", "attachments"} & set(step.residue)
    assert not {"full_name", "email_addresses"} & set(step.residue)


def _settle(house: House, adapter: Greenhouse) -> None:
    from_now = clock.now() + timedelta(seconds=30)
    while Step.objects.filter(state__in=("planned", "claimed", "sent")).exists():
        assert clock.now() < from_now
        execution.advance_with(
            actor=house.company.dpo_actor, connection_id=house.connection.pk, adapter=adapter
        )


def test_only_a_dpo_approves_and_nothing_runs_before(house: House) -> None:
    expired(house, 1)
    house.sync()
    house.decide()
    plan = house.propose()
    with pytest.raises(Refused):
        planning.approve(actor=house.company.recops_actor, plan_id=plan.pk)
    assert running.advance_all(actor=house.company.dpo_actor) == 0
    planning.refuse(actor=house.company.dpo_actor, plan_id=plan.pk)
    assert running.advance_all(actor=house.company.dpo_actor) == 0
    assert house.effects() == []


def test_a_plan_can_be_called_back_during_its_grace_and_only_then(house: House) -> None:
    connectors.change(
        actor=house.company.dpo_actor,
        connection_id=house.connection.pk,
        values={"grace_seconds": 600},
    )
    plan, _ = planned(house, 1)
    assert running.advance_all(actor=house.company.dpo_actor) == 0
    planning.call_back(actor=house.company.dpo_actor, plan_id=plan.pk)
    plan.refresh_from_db()
    assert (plan.state, plan.grace_until) == (Plan.State.PROPOSED, None)
    Plan.objects.filter(pk=plan.pk).update(
        state=Plan.State.APPROVED, grace_until=clock.now() - timedelta(seconds=1)
    )
    with pytest.raises(Refused):
        planning.call_back(actor=house.company.dpo_actor, plan_id=plan.pk)


def test_a_worker_that_lost_its_lease_writes_nothing(house: House) -> None:
    planned(house, 1)
    connection_id = house.connection.pk
    actor = house.company.dpo_actor
    (old,) = claims.claim(actor=actor, connection_id=connection_id, states=["planned"])
    Step.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    (new,) = claims.claim(actor=actor, connection_id=connection_id, states=["claimed"])
    claims.let_go(old, wait=timedelta(0), code="late")
    step = Step.objects.get(pk=new.pk)
    assert (step.state, step.code, step.attempt) == ("claimed", "", old.attempt + 1)


def _audited(verb: str, record: Record) -> bool:
    audit.integrate()
    log = record.controller_id
    return bool(list(ledger.entries(log, verb=verb, object_id=record.pk, limit=5)))
