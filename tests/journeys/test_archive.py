"""Active base → intermediate archive → disposed, against an ATS over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pytest_django import Settings

from apps.connectors.fakes.greenhouse import people
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.erasure import archives, archiving, certificates, planning, profile
from apps.erasure import services as erasure
from apps.erasure.models import Archive, ArchiveReading, Step
from apps.keys import services as keys
from apps.retention import services as retention
from apps.retention.hold_rules import Query
from apps.subjects.models import Record, Subject
from tests import cast
from tests.journeys.archiving import (
    approve,
    archived,
    dispose,
    everything_stored,
    keeping,
    proposed,
    reader,
    states,
    told,
)
from tests.journeys.house import SEED, House, remote_of
from tests.journeys.test_erasure import traces

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "Conseil de prud'hommes, 26/0042"


@pytest.fixture(autouse=True)
def _short_lease(settings: Settings) -> None:
    settings.LETHE_LEASE_SECONDS = 5


def test_what_a_claim_may_need_is_sealed_before_the_ats_forgets_the_rest(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    assert [step.to_archive for step in plan.steps.all()] == [True]
    assert traces(house, 1) == {1}
    approve(house, plan)
    house.run()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.ARCHIVED, "")
    assert traces(house, 1) == set()
    record.refresh_from_db()
    assert record.state == Record.State.ERASED
    subject = Subject.objects.get(pk=record.subject_id)
    assert (subject.state, subject.archived) == (Subject.State.SHREDDED, 1)
    archive = Archive.objects.get()
    assert archive.state == Archive.State.KEPT
    assert archive.fields["full_name"] == "archived"
    assert archive.fields["ai_screening_ref"] == "unreadable"
    assert set(archive.fields) == set(profile.FIELDS)
    verbs = told(record)
    assert verbs.index("archive.sealed") < verbs.index("step.sent") < verbs.index("step.archived")
    one = people.person(SEED, 1)
    assert one.surname.casefold() not in everything_stored()
    (said,) = json.loads(certificates.certificate(plan.pk).note.split("\n")[1])["steps"]
    assert said["archive"]["commitment"] == bytes(archive.commitment).hex()
    assert said["outcome"] == "archived"


def test_only_a_reader_opens_it_with_a_reason_that_is_on_record(house: House) -> None:
    (archive,) = archived(house, 1)
    one = people.person(SEED, 1)
    ari = reader(house)
    for nobody in (house.company.dpo_actor, house.company.recops_actor):
        with pytest.raises(Refused):
            erasure.read(actor=nobody, archive_id=archive.pk, reason=REASON)
    with pytest.raises(Invalid) as caught:
        erasure.read(actor=ari, archive_id=archive.pk, reason="  ")
    assert caught.value.field == "reason"
    assert not ArchiveReading.objects.exists()
    content = erasure.read(actor=ari, archive_id=archive.pk, reason=REASON)
    assert one.surname in content["full_name"].values()
    assert set(one.emails) <= set(content["contact_email"].values())
    said = json.dumps(content)
    assert not any(phone in said for phone in one.phones), "no telephone is in the profile"
    assert "Refus de" not in said, "no free text is in the profile"
    with pytest.raises(Refused):
        erasure.export(actor=ari, archive_id=archive.pk, reason=REASON)
    copy = erasure.export(actor=house.company.dpo_actor, archive_id=archive.pk, reason=REASON)
    assert json.loads(copy) == content
    (exported, read) = archives.readings(archive.pk)
    assert (read.exported, exported.exported) == (False, True)
    assert archives.reason_of(read) == REASON
    assert "26/0042" not in everything_stored()
    assert told(archive.record)[-2:] == ["archive.opened", "archive.exported"]


def test_an_archive_that_was_tampered_with_does_not_open_as_if_it_were_whole(
    house: House,
) -> None:
    (archive,) = archived(house, 1)
    Archive.objects.filter(pk=archive.pk).update(commitment=b"\0" * 32)
    with pytest.raises(Conflict):
        erasure.read(actor=reader(house), archive_id=archive.pk, reason=REASON)


def test_another_controllers_reader_sees_nothing(house: House) -> None:
    (archive,) = archived(house, 1)
    other = cast.mallory()
    mo = cast.person(other.controller, "mo2@vantage.example", "archive_reader")
    with scope.enter(other.id), pytest.raises(Missing):
        erasure.read(actor=Actor("user", mo.pk), archive_id=archive.pk, reason=REASON)


def test_what_the_ats_does_not_show_is_lost_only_when_the_dpo_accepts_it(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    assert planning.unreadable(plan) == ("ai_screening_ref",)
    with pytest.raises(Invalid) as caught:
        house.approve(plan)
    assert caught.value.field == "accept_unreadable"
    house.fault("scope_lost", scope="harvest:scorecards:list", times=1)
    approve(house, plan)
    house.run()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.FAILED, "archive_unreadable")
    assert step.unread == ["evaluation_grid"]
    assert house.effects() == []
    again = house.propose(again=True)
    assert planning.unreadable(again) == ("evaluation_grid", "ai_screening_ref")
    approve(house, again)
    house.run()
    assert house.outcome(record).state == Step.State.ARCHIVED


def test_a_hold_placed_first_leaves_the_record_and_no_copy_of_it(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=record.subject_id,
        reason=REASON,
        review_on=clock.today("Europe/Paris").replace(year=2090),
    )
    house.run()
    assert house.outcome(record).state == Step.State.HELD
    assert house.effects() == []
    archive = Archive.objects.get()
    assert archive.state == Archive.State.DISCARDED
    assert archive.sealed_content is None
    with pytest.raises(keys.KeyShredded):
        keys.open_one(archive.pk)
    assert told(record)[-1] == "archive.discarded"


def test_the_first_reading_stays_when_the_erasure_had_to_be_done_again(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    house.fault("silent_ignore", [remote_of(1)], fields=["notes"], times=1)
    house.run()
    assert house.outcome(record).state == Step.State.RESIDUAL
    sealed = Archive.objects.get()
    assert sealed.state == Archive.State.SEALED
    house.sync()
    house.decide()
    again = house.propose(again=True)
    approve(house, again)
    house.run()
    assert house.outcome(record).state == Step.State.ARCHIVED
    kept = Archive.objects.get()
    assert (kept.pk, kept.commitment) == (sealed.pk, sealed.commitment)
    content = erasure.read(actor=reader(house), archive_id=kept.pk, reason=REASON)
    assert people.person(SEED, 1).surname in content["full_name"].values()


def test_an_application_made_after_a_residue_is_added_to_what_was_sealed(house: House) -> None:
    plan, (record,) = proposed(house, 1)
    approve(house, plan)
    house.fault("silent_ignore", [remote_of(1)], fields=["notes"], times=1)
    house.run()
    assert house.outcome(record).state == Step.State.RESIDUAL
    first = json.loads(archiving.opened(Archive.objects.get()))
    day = (clock.now() - timedelta(days=150)).isoformat()
    applied = {
        "candidate_id": remote_of(1),
        "job_id": 2009,
        "status": "rejected",
        "created_at": day,
        "rejected_at": day,
        "silent": True,
    }
    house.control("POST", "applications", applied)
    house.sync()
    house.decide()
    again = house.propose(again=True)
    approve(house, again)
    house.run()
    assert house.outcome(record).state == Step.State.ARCHIVED
    content = json.loads(archiving.opened(Archive.objects.get()))
    assert set(content["job_ref"].values()) >= {*first["job_ref"].values(), 2009}
    assert first["full_name"].items() <= content["full_name"].items()
    assert "Anonymized" not in content["full_name"].values()


def test_at_its_end_it_is_disposed_of_and_a_hold_keeps_it(house: House) -> None:
    one, two, three = archived(house, 1, 2, 3)
    assert dispose() == 0
    as_of = clock.today("Europe/Paris")
    assert archives.until([one], as_of=as_of)[one.pk].ends_on is not None
    hold = retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=two.subject_id,
        reason=REASON,
        review_on=as_of.replace(year=2090),
    )
    (job, *_rest), *_others = three.applications
    case = retention.open_case(
        actor=house.company.dpo_actor,
        matter="A claim",
        reason=REASON,
        owner_id=house.company.dpo.pk,
        review_on=as_of.replace(year=2090),
        query=Query(jobs=(job,), connection_id=house.connection.pk),
    ).case
    Archive.objects.filter(pk=one.pk).update(applications=[["another", "FR", "rejected", None]])
    met = [a.pk for a in (two, three) if job in {app[0] for app in a.applications}]
    assert archives.met_by(Query(jobs=(job,), connection_id=house.connection.pk)) == len(met)
    keeping(house.company, "P1M")
    assert dispose() == 1
    assert states(one, two, three) == ["disposed", "kept", "kept"]
    with pytest.raises(Conflict):
        erasure.read(actor=reader(house), archive_id=one.pk, reason=REASON)
    with pytest.raises(keys.KeyShredded):
        keys.open_one(one.pk)
    with pytest.raises(Conflict):
        retention.place_hold(
            actor=house.company.dpo_actor,
            subject_id=one.subject_id,
            reason=REASON,
            review_on=as_of.replace(year=2090),
        )
    retention.release_hold(actor=house.company.dpo_actor, hold_id=hold.pk)
    retention.release_case(actor=house.company.dpo_actor, case_id=case.pk)
    assert dispose() == 2
    assert [told(one.record)[-1] for one in (one, two, three)] == ["archive.disposed"] * 3


def test_a_longer_period_reaches_what_is_archived_and_time_to_call_back_is_given(
    house: House,
) -> None:
    (archive,) = archived(house, 1)
    type(house.connection).objects.update(grace_seconds=3600)
    keeping(house.company, "P1M")
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    archive.refresh_from_db()
    assert archive.ending_since is not None
    keeping(house.company, "P5Y")
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    assert states(archive) == ["kept"]
    assert Archive.objects.get().ending_since is None
    keeping(house.company, "")
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    assert Archive.objects.get().ending_since is None, "switched off, nothing says when it ends"


def test_the_time_to_call_back_begins_when_a_hold_is_released(house: House) -> None:
    """Released by mistake, a hold can be placed again: nothing went the moment it was lifted."""
    (archive,) = archived(house, 1)
    type(house.connection).objects.update(grace_seconds=3600)
    keeping(house.company, "P1M")
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    hold = retention.place_hold(
        actor=house.company.dpo_actor,
        subject_id=archive.subject_id,
        reason=REASON,
        review_on=clock.today("Europe/Paris").replace(year=2090),
    )
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    assert Archive.objects.get().ending_since is None
    retention.release_hold(actor=house.company.dpo_actor, hold_id=hold.pk)
    assert erasure.dispose_ended(actor=SYSTEM) == 0
    since = Archive.objects.get().ending_since
    assert since is not None
    assert clock.now() - since < timedelta(minutes=5)
    assert states(archive) == ["kept"]
    Archive.objects.update(ending_since=since - timedelta(hours=2))
    assert erasure.dispose_ended(actor=SYSTEM) == 1


def test_a_rights_request_finds_it_by_an_address_and_nothing_else_does(house: House) -> None:
    (archive,) = archived(house, 1)
    one = people.person(SEED, 1)
    assert archiving.find(kind="email", values=[one.emails[0].upper()]) == {archive.pk}
    assert archiving.find(kind="phone", values=one.phones) == {archive.pk}
    assert archiving.find(kind="email", values=["nobody@example.org"]) == set()
    assert keys.find("email", one.emails) == {}
    keeping(house.company, "P1M")
    erasure.dispose_ended(actor=SYSTEM)
    assert archiving.find(kind="email", values=one.emails) == set()
