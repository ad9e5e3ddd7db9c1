"""A hold beats every purge path: placed under the lock that `sent` takes, or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction

from apps.audit.models import Pending
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.clock import today
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.retention import held, selectors, services
from apps.retention.models import Hold
from apps.subjects import intake, shredding
from apps.subjects import services as subjects
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import without_archive

DUE = date(2026, 6, 3)
REASON = "Claim 4471 before the labour court"


def opened() -> Company:
    """Ada's record, past its period, at a company whose archive is off."""
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[ADA])
        without_archive(company)
        services.refresh(actor=SYSTEM)
    return company


@pytest.fixture
def nordlys(db: None) -> Company:
    return opened()


def review() -> date:
    return today("Europe/Paris") + timedelta(days=180)


def place(nordlys: Company, subject_id: UUID | None = None, **values: object) -> Hold:
    given = {"reason": REASON, "review_on": review()} | values
    return services.place_hold(
        actor=nordlys.dpo_actor,
        subject_id=subject_id or Subject.objects.earliest("pk").pk,
        **given,  # type: ignore[arg-type]  # named by the caller
    )


def test_a_held_record_leaves_the_queue_and_comes_back_when_released(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = Record.objects.get().pk
        assert selectors.due_ids(as_of=DUE) == [record]
        hold = place(nordlys)
        assert selectors.due(as_of=DUE) == []
        assert selectors.counts(as_of=DUE).held == 1
        assert selectors.decide(record, as_of=DUE).outcome == "held"
        assert held.hold_of(hold.subject_id) == hold
        assert list(held.holds()) == [hold]
        services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)
        assert selectors.due_ids(as_of=DUE) == [record]
        assert not held.is_held(hold.subject_id)


def test_two_holds_are_both_to_be_released(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, _second = place(nordlys), place(nordlys)
        services.release_hold(actor=nordlys.dpo_actor, hold_id=first.pk)
        assert selectors.due(as_of=DUE) == []


def test_a_hold_counts_for_everyone_the_person_was_merged_with(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        subject = Subject.objects.get()
        middle = Subject.objects.create(merged_into=subject)
        other = Subject.objects.create(merged_into=middle)
        keys.new([other.pk], actor=SYSTEM)
        place(nordlys, other.pk)
        assert selectors.due(as_of=DUE) == []
        assert held.is_held(subject.pk)


def test_the_reason_is_sealed_and_the_ledger_only_commits_to_it(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        hold = place(nordlys)
        assert REASON.encode() not in bytes(hold.sealed_reason)
        assert held.hold_reason(hold) == REASON
        entries = [bytes(one.body) for one in Pending.objects.filter(verb="hold.placed")]
        assert len(entries) == Record.objects.count()
        assert not any(b"4471" in entry for entry in entries)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"reason": " "}, "reason"),
        ({"review_on": date(2020, 1, 1)}, "review_on"),
        ({"subject_id": UUID(int=5)}, "subject"),
    ],
)
def test_a_hold_without_reason_review_or_person_is_refused(
    nordlys: Company, values: dict[str, object], code: str
) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises((Invalid, Missing), match=code):
            place(nordlys, **values)  # type: ignore[arg-type]  # named by the table
        assert not Hold.objects.exists()


def test_recops_and_machines_place_and_release_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        subject = Subject.objects.get().pk
        hold = place(nordlys)
        for actor in (nordlys.recops_actor, SYSTEM):
            with pytest.raises(Refused):
                services.place_hold(
                    actor=actor, subject_id=subject, reason=REASON, review_on=review()
                )
            with pytest.raises(Refused):
                services.release_hold(actor=actor, hold_id=hold.pk)


def test_mallory_neither_sees_nor_releases_a_hold_of_nordlys(nordlys: Company) -> None:
    other = cast.mallory()
    with scope.enter(nordlys.id):
        hold = place(nordlys)
    with scope.enter(other.id):
        assert not held.holds().exists()
        with pytest.raises(Missing):
            services.release_hold(actor=other.dpo_actor, hold_id=hold.pk)
        with pytest.raises(Missing):
            services.place_hold(
                actor=other.dpo_actor,
                subject_id=hold.subject_id,
                reason=REASON,
                review_on=review(),
            )


def test_a_hold_is_released_once(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        hold = place(nordlys)
        services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)
        with pytest.raises(Conflict, match="released"):
            services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)


def test_after_sent_a_hold_is_too_late_and_names_the_step(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        step = new_id()
        subjects.mark_sending(actor=SYSTEM, record_id=Record.objects.get().pk, step_id=step)
        with pytest.raises(Conflict, match="too_late") as raised:
            place(nordlys)
        assert str(step) in str(raised.value.message)
        assert not Hold.objects.exists()


def test_on_an_erased_record_a_hold_is_too_late(nordlys: Company) -> None:
    with scope.enter(nordlys.id), transaction.atomic():
        shredding.entomb(actor=SYSTEM, record_ids=[Record.objects.get().pk])
        with pytest.raises(Conflict, match="too_late"):
            place(nordlys)
        services.refresh(actor=SYSTEM)
        counts = selectors.counts(as_of=DUE)
        assert (counts.due, counts.kept, counts.undecided, counts.pending) == (0, 0, 0, 0)


def test_a_hold_protects_what_is_left_beside_an_erased_record(nordlys: Company) -> None:
    with scope.enter(nordlys.id), transaction.atomic():
        connection = cast.csv_connection("Second")
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[ADA])
        services.refresh(actor=SYSTEM)
        first, second = Record.objects.order_by("pk")
        assert first.subject_id == second.subject_id
        shredding.entomb(actor=SYSTEM, record_ids=[first.pk])
        place(nordlys, first.subject_id)
        services.refresh(actor=SYSTEM)
        assert selectors.due(as_of=DUE) == []
        assert selectors.decide(second.pk, as_of=DUE).outcome == "held"


def _in_another_session(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run in a thread, so on a connection of its own; the list gets what came of it."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(work())
        except Conflict as error:
            came.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


@pytest.mark.django_db(transaction=True)
def test_a_hold_waits_for_a_step_that_is_committing_sent_and_then_is_too_late() -> None:
    nordlys = opened()
    with scope.enter(nordlys.id):
        record = Record.objects.get()
        step = new_id()

        def hold() -> Hold:
            with scope.enter(nordlys.id):
                return place(nordlys, record.subject_id)

        with transaction.atomic():
            subjects.lock_family([record.subject_id])
            thread, came = _in_another_session(hold)
            thread.join(timeout=1)
            assert thread.is_alive()
            assert came == []
            subjects.mark_sending(actor=SYSTEM, record_id=record.pk, step_id=step)
        thread.join(timeout=30)
        (error,) = came
        assert isinstance(error, Conflict)
        assert error.code == "too_late"
        assert not Hold.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_record_being_written_is_left_for_the_next_refresh() -> None:
    nordlys = opened()
    with scope.enter(nordlys.id):
        record = Record.objects.get()
        with transaction.atomic():
            subjects.touch([record.subject_id], actor=SYSTEM)

        def refresh() -> int:
            with scope.enter(nordlys.id):
                return services.refresh(actor=SYSTEM)

        with transaction.atomic():
            subjects.lock_family([record.subject_id])
            thread, came = _in_another_session(refresh)
            thread.join(timeout=30)
            assert came == [0]
        assert services.refresh(actor=SYSTEM) == 1
