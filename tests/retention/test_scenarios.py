"""What must never happen, by name: each is a way other tools erase too much or keep too long.

The scenarios that need an ATS are in tests/journeys/test_scenarios.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from apps.connectors.models import Connection
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate
from apps.consents import services as consents
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.clock import today
from apps.retention import selectors, services
from apps.retention.explaining import Explanation
from apps.retention.models import Ground, Policy
from apps.subjects import intake, shredding
from apps.subjects import services as subjects
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import START, governed, without_archive

pytestmark = pytest.mark.django_db
#: Everybody here was refused on 2 March 2026: three months later they are due.
DUE = date(2026, 6, 3)
APPLICATION = ADA.applications[0]


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def at(day: date) -> Dated:
    return Dated(datetime(day.year, day.month, day.day, 12, tzinfo=UTC), "exact")


def person(number: int, *applications: RemoteApplication) -> RemoteCandidate:
    return cast.candidate(number, applications=applications)


def application(number: int, **changes: object) -> RemoteApplication:
    found = replace(APPLICATION, remote_id=f"8{number:05d}")
    return replace(found, **changes)  # type: ignore[arg-type]  # named by the caller


def taken(*people: RemoteCandidate) -> list[Record]:
    """Their records, in the same order; called again with other facts, the same records."""
    connection = Connection.objects.first() or cast.csv_connection()
    for one in people:  # ids sort by the moment they were made
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[one])
    services.refresh(actor=SYSTEM)
    return list(Record.objects.order_by("pk"))


def explained(record: Record, as_of: date) -> Explanation:
    with translation.override("en"):
        return selectors.explain(record.pk, as_of=as_of)


def due(as_of: date = DUE) -> Sequence[object]:
    return selectors.due_ids(as_of=as_of)


def override(nordlys: Company, policy: Policy, rule: str, duration: str, job: str = "") -> None:
    services.override(
        actor=nordlys.dpo_actor,
        policy_id=policy.pk,
        rule=rule,
        duration=duration,
        job=job,
        reason="Claims are frequent for this job",
        active_from=START,
    )


def test_nothing_configured_makes_nothing_due(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        (record,) = taken(person(1, application(1)))
        assert due(date(2090, 1, 1)) == []
        said = selectors.explain(record.pk, as_of=date(2090, 1, 1))
        assert (said.outcome, said.grounds[0].reason) == ("undecided", "no_policy")


def test_no_trigger_is_never_due(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        (record,) = taken(person(1, application(1, closed=Dated())))
        assert due(date(2090, 1, 1)) == []
        said = selectors.explain(record.pk, as_of=date(2090, 1, 1))
        assert (said.outcome, said.grounds[0].reason) == ("undecided", "no_trigger")


def test_past_activity_but_an_open_application_is_not_due(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        taken(person(1, application(1), application(2, state="open", closed=Dated())))
        assert due(date(2090, 1, 1)) == []
        assert selectors.counts(as_of=date(2090, 1, 1)).kept == 1


def test_a_longer_override_protects_only_its_group(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = without_archive(nordlys)
        protected, other = taken(
            person(1, application(1, job="77")), person(2, application(2, job="78"))
        )
        override(nordlys, policy, "rejected", "P1Y", job="77")
        assert due() == [other.pk]
        assert due(date(2027, 3, 2)) == [other.pk]
        assert set(due(date(2027, 3, 3))) == {protected.pk, other.pk}


def test_a_shorter_override_expires_only_its_group(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = without_archive(nordlys)
        first, _other = taken(
            person(1, application(1, job="77")), person(2, application(2, job="78"))
        )
        override(nordlys, policy, "rejected", "P30D", job="77")
        assert due(date(2026, 4, 2)) == [first.pk]


def test_a_person_in_both_groups_stays_for_the_longer_one(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = without_archive(nordlys)
        taken(person(1, application(1, job="77"), application(2, job="78")))
        override(nordlys, policy, "rejected", "P30D", job="77")
        assert due(date(2026, 4, 2)) == []
        assert len(due()) == 1
        override(nordlys, policy, "rejected", "P1Y", job="77")
        assert due() == []


def test_a_job_follows_its_country_where_it_departs_in_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = without_archive(nordlys)
        override(nordlys, policy, "rejected", "P1Y", job="77")
        taken(person(1, application(1, job="77")))
        # The archive of that job is switched off with the country's, and on again with it.
        assert len(due(date(2027, 3, 3))) == 1
        override(nordlys, policy, "rejected.archive", "P5Y")
        assert due(date(2027, 3, 3)) == []
        assert len(selectors.to_archive(as_of=date(2027, 3, 3))) == 1


def test_a_period_lengthened_after_being_due_leaves_the_queue(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = without_archive(nordlys)
        taken(person(1, application(1)))
        assert len(due()) == 1
        override(nordlys, policy, "rejected", "P6M")
        assert due() == []


def test_activity_after_being_due_leaves_the_queue(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        (record,) = taken(person(1, application(1)))
        assert due() == [record.pk]
        new = application(2, state="open", applied=at(date(2026, 6, 2)), closed=Dated())
        taken(person(1, application(1), new))
        assert due() == []


def test_a_reply_prolongs_only_what_runs_from_the_last_contact(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        (record,) = taken(person(1, application(1)))
        consents.record(
            actor=SYSTEM,
            subject_id=record.subject_id,
            purpose="talent_pool",
            effective_on=date(2026, 3, 10),
            notice="v1",
            source="api",
        )
        subjects.note_contact(
            actor=SYSTEM,
            subject_id=record.subject_id,
            kind="candidate.replied",
            happened_on=date(2026, 5, 4),
            source="api",
        )
        services.refresh(actor=SYSTEM)
        said = selectors.explain(record.pk, as_of=DUE)
        assert (said.grounds[0].rule, said.grounds[0].ends_on) == (
            "talent_pool",
            date(2028, 5, 4),
        )
        ends = {ground.rule: ground.ends_on for ground in said.grounds}
        assert ends["rejected"] == date(2026, 6, 2)
        assert due(date(2028, 5, 4)) == []
        assert due(date(2028, 5, 5)) == [record.pk]


def test_orphans_are_cleared(nordlys: Company) -> None:
    """Grounds of a record that was erased, and of an application that is gone."""
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        one, two = taken(person(1, application(1), application(2)), person(2, application(3)))
        assert Ground.objects.filter(record=one).count() == 4
        taken(person(1, application(1)))
        assert Ground.objects.filter(record=one).count() == 2
        shredding.entomb(actor=SYSTEM, record_ids=[two.pk])
        services.refresh(actor=SYSTEM)
        assert not Ground.objects.filter(record=two).exists()
        assert due() == [one.pk]


def test_protected_data_outlives_an_erasure_request_and_says_so(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)  # with the evidence archive of five years
        (record,) = taken(person(1, application(1)))
        services.require_erasure(
            actor=nordlys.dpo_actor, subject_id=record.subject_id, ground="objection"
        )
        services.refresh(actor=SYSTEM)
        day = today("Europe/Paris")
        assert selectors.due(as_of=day) == []
        (row,) = selectors.to_archive(as_of=day)
        assert (row.record_id, row.rule) == (record.pk, "rejected.archive")
        said = explained(record, day)
        assert said.outcome == "archive"
        assert "evidence of a rejected application" in said.sentence
        assert "erasure requested and granted" in said.sentence
        # The active base itself is not protected: its rule is no ground any more.
        assert {ground.rule for ground in said.grounds} == {"rejected.archive", "erasure"}


def test_an_erasure_request_makes_the_rest_due_at_once(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        fresh = today("Europe/Paris") - timedelta(days=10)
        (record,) = taken(person(1, application(1, closed=at(fresh), rejected_notified=at(fresh))))
        day = today("Europe/Paris")
        assert due(day) == []
        made = services.require_erasure(
            actor=nordlys.dpo_actor, subject_id=record.subject_id, ground="objection"
        )
        services.refresh(actor=SYSTEM)
        assert due(day) == [record.pk]
        services.cancel_erasure(actor=nordlys.dpo_actor, requirement_id=made.pk)
        services.refresh(actor=SYSTEM)
        assert due(day) == []


def test_a_hold_and_a_restriction_outlive_an_erasure_request(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        without_archive(nordlys)
        one, two = taken(person(1, application(1)), person(2, application(2)))
        for record in (one, two):
            services.require_erasure(
                actor=nordlys.dpo_actor, subject_id=record.subject_id, ground="objection"
            )
        services.place_hold(
            actor=nordlys.dpo_actor,
            subject_id=one.subject_id,
            reason="A claim",
            review_on=today("Europe/Paris") + timedelta(days=30),
        )
        made = services.restrict(
            actor=nordlys.dpo_actor, subject_id=two.subject_id, ground="claims"
        )
        services.refresh(actor=SYSTEM)
        day = today("Europe/Paris")
        assert due(day) == []
        assert "restricted" in explained(two, day).sentence
        services.lift_restriction(actor=nordlys.dpo_actor, restriction_id=made.pk, told_on=day)
        services.refresh(actor=SYSTEM)
        assert due(day) == [two.pk]
