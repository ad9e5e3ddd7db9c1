"""Legal holds as cases: by name and by query, reviewed, released, and never too late unsaid."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import translation

from apps.audit.models import Pending
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.clock import today
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.retention import held, selectors, services
from apps.retention.hold_rules import Query
from apps.retention.holds import Opened
from apps.retention.models import Hold, HoldCase
from apps.subjects import intake
from apps.subjects import services as subjects
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import Company
from tests.retention.steps import without_archive

pytestmark = pytest.mark.django_db
DUE = date(2026, 6, 3)
MATTER, REASON = "Conseil de prud'hommes, 24/0178", "Discrimination claim about one recruitment"
JOB = Query(jobs=("77",))


def stocked() -> Company:
    """Three people past their period, two of them for the job 77."""
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        for number, job in ((1, "77"), (2, "77"), (3, "78")):
            one = replace(cast.candidate(number).applications[0], job=job)
            people = [cast.candidate(number, applications=(one,))]
            intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=people)
        without_archive(company)
        services.refresh(actor=SYSTEM)
    return company


@pytest.fixture
def nordlys() -> Company:
    return stocked()


def review() -> date:
    return today("Europe/Paris") + timedelta(days=90)


def opened(company: Company, query: Query | None = JOB, **values: Any) -> Opened:
    given: dict[str, Any] = {
        "actor": company.dpo_actor,
        "matter": MATTER,
        "reason": REASON,
        "owner_id": company.recops.pk,
        "review_on": review(),
    }
    return services.open_case(**given | values, query=query)


def test_a_query_holds_whoever_meets_it_and_nobody_else(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, second, other = Record.objects.order_by("pk")
        made = opened(nordlys)
        assert (made.people, made.records, made.late) == (2, 2, ())
        assert selectors.due_ids(as_of=DUE) == [other.pk]
        assert selectors.counts(as_of=DUE).held == 2
        for record in (first, second):
            assert selectors.decide(record.pk, as_of=DUE).outcome == "held"
            assert held.holding(record.subject_id) == [made.case]
        with translation.override("en"):
            said = selectors.explain(first.pk, as_of=DUE).sentence
        assert said.startswith(f"Kept under legal hold {made.case.number}, to be reviewed on")


def test_a_newcomer_is_held_as_they_come(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        opened(nordlys)
        connection = cast.csv_connection("Second")
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[cast.candidate(9)])
        services.refresh(actor=SYSTEM)
        newcomer = Record.objects.latest("pk")
        assert newcomer.pk not in selectors.due_ids(as_of=DUE)
        assert selectors.decide(newcomer.pk, as_of=DUE).outcome == "held"


def test_a_query_holds_the_whole_family(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, _second, other = Record.objects.order_by("pk")
        Subject.objects.filter(pk=other.subject_id).update(merged_into=first.subject_id)
        opened(nordlys)
        assert selectors.due_ids(as_of=DUE) == []
        assert selectors.decide(other.pk, as_of=DUE).outcome == "held"


def test_released_everyone_follows_their_rules_again(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        made = opened(nordlys)
        services.release_case(actor=nordlys.dpo_actor, case_id=made.case.pk)
        assert len(selectors.due_ids(as_of=DUE)) == 3
        with pytest.raises(Conflict, match="released"):
            services.release_case(actor=nordlys.dpo_actor, case_id=made.case.pk)


def test_of_two_cases_each_must_be_released(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        one, other = opened(nordlys), opened(nordlys, Query(countries=("FR",)))
        services.release_case(actor=nordlys.dpo_actor, case_id=other.case.pk)
        assert len(selectors.due_ids(as_of=DUE)) == 1
        services.release_case(actor=nordlys.dpo_actor, case_id=one.case.pk)
        assert len(selectors.due_ids(as_of=DUE)) == 3


def test_a_person_is_put_under_an_open_case_and_taken_out(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        other = Record.objects.latest("pk")
        made = opened(nordlys)
        placing: Any = {
            "actor": nordlys.dpo_actor,
            "subject_id": other.subject_id,
            "reason": "A witness",
            "case_id": made.case.pk,
        }
        hold = services.place_hold(**placing)
        assert selectors.due_ids(as_of=DUE) == []
        with pytest.raises(Conflict, match="held"):
            services.place_hold(**placing)
        services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)
        assert selectors.due_ids(as_of=DUE) == [other.pk]
        # The case itself goes on for whoever meets its query.
        assert HoldCase.objects.get().released_at is None
        services.release_case(actor=nordlys.dpo_actor, case_id=made.case.pk)
        with pytest.raises(Conflict, match="released"):
            services.place_hold(**placing)


def test_a_case_about_one_person_ends_with_their_hold(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        hold = services.place_hold(
            actor=nordlys.dpo_actor,
            subject_id=Subject.objects.earliest("pk").pk,
            reason=REASON,
            review_on=review(),
        )
        assert hold.case.owner_id == nordlys.dpo.pk
        services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)
        assert HoldCase.objects.get().released_at is not None


def test_a_review_moves_the_date_and_the_owner(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        case = opened(nordlys).case
        HoldCase.objects.update(review_on=today("Europe/Paris"))
        assert held.overdue(as_of=today("Europe/Paris")) == 1
        services.review_case(
            actor=nordlys.dpo_actor, case_id=case.pk, review_on=review(), owner_id=nordlys.dpo.pk
        )
        assert held.overdue(as_of=today("Europe/Paris")) == 0
        assert HoldCase.objects.get().owner_id == nordlys.dpo.pk


def test_what_was_written_is_sealed_and_only_committed_to(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        case = opened(nordlys).case
        assert MATTER.encode() not in bytes(case.sealed_matter)
        assert (held.matter(case), held.reason(case)) == (MATTER, REASON)
        for entry in Pending.objects.all():
            assert MATTER.encode() not in bytes(entry.body)
            assert REASON.encode() not in bytes(entry.body)
        assert Pending.objects.filter(verb="hold.case_holds").count() == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"matter": " "}, "matter"),
        ({"reason": ""}, "reason"),
        ({"owner_id": new_id()}, "owner"),
        ({"review_on": date(2020, 1, 1)}, "review_on"),
        ({"query": Query()}, "query"),
        ({"query": Query(states=("asleep",))}, "states"),
        ({"query": Query(countries=("FR", "UK"))}, "countries"),
        (
            {"query": Query(applied_from=date(2026, 2, 1), applied_until=date(2026, 1, 1))},
            "applied_until",
        ),
        ({"query": Query(connection_id=new_id())}, "connection"),
    ],
)
def test_what_is_missing_or_cannot_be_is_named_and_nothing_is_opened(
    nordlys: Company, values: dict[str, Any], field: str
) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises((Invalid, Missing)) as refused:
            opened(nordlys, **values)
        assert refused.value.field == field
        assert not HoldCase.objects.exists()


def test_only_a_dpo_opens_reviews_and_releases(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises(Refused):
            opened(nordlys, actor=nordlys.recops_actor)
        case = opened(nordlys).case
        with pytest.raises(Refused):
            services.release_case(actor=nordlys.recops_actor, case_id=case.pk)
        with pytest.raises(Refused):
            services.review_case(
                actor=nordlys.recops_actor,
                case_id=case.pk,
                review_on=review(),
                owner_id=nordlys.dpo.pk,
            )


def test_mallory_sees_no_case_of_nordlys(nordlys: Company) -> None:
    other = cast.mallory()
    with scope.enter(nordlys.id):
        case = opened(nordlys).case
    with scope.enter(other.id):
        assert not held.cases().exists()
        with pytest.raises(Missing):
            services.release_case(actor=other.dpo_actor, case_id=case.pk)


def test_whoever_was_sent_before_is_counted_as_too_late_and_the_others_are_held(
    nordlys: Company,
) -> None:
    with scope.enter(nordlys.id):
        first = Record.objects.earliest("pk")
        step = new_id()
        subjects.mark_sending(actor=SYSTEM, record_id=first.pk, step_id=step)
        made = opened(nordlys)
        assert made.late == (step,)
        assert selectors.counts(as_of=DUE).held == 2
        entry = Pending.objects.get(verb="hold.case_opened")
        assert b'"late":1' in bytes(entry.body).replace(b" ", b"")


@pytest.mark.django_db(transaction=True)
def test_a_query_waits_for_a_step_that_is_committing_sent() -> None:
    nordlys = stocked()
    came: list[Opened] = []

    def hold() -> None:
        try:
            with scope.enter(nordlys.id):
                came.append(opened(nordlys))
        finally:
            connections.close_all()

    with scope.enter(nordlys.id):
        first = Record.objects.earliest("pk")
        step = new_id()
        thread = threading.Thread(target=hold)
        with transaction.atomic():
            subjects.lock_family([first.subject_id])
            thread.start()
            thread.join(timeout=1)
            assert thread.is_alive()
            assert came == []
            subjects.mark_sending(actor=SYSTEM, record_id=first.pk, step_id=step)
        thread.join(timeout=30)
        assert came[0].late == (step,)
        assert not Hold.objects.exists()
