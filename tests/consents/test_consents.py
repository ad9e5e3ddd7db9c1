"""Consents: appended, withdrawn, never silently renewed, and followed by the record."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import Role
from apps.consents import selectors, services
from apps.consents.models import ConsentEvent
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.subjects import intake
from apps.subjects.models import Change, Record, Subject
from tests import cast
from tests.cast import ADA, Company

pytestmark = pytest.mark.django_db
POOL = "talent_pool"


@pytest.fixture
def nordlys() -> Company:
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[ADA])
        Change.objects.all().delete()
    return company


def give(on: date = date(2026, 4, 1), notice: str = "v1") -> ConsentEvent:
    subject = Subject.objects.get()
    return services.record(
        actor=SYSTEM,
        subject_id=subject.pk,
        purpose=POOL,
        effective_on=on,
        notice=notice,
        source="api",
    )


def test_a_consent_is_kept_and_the_record_looked_at_again(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        event = give()
        assert selectors.current([event.subject_id], POOL)[event.subject_id].state == "given"
        assert Record.objects.get().version == 2
        assert Change.objects.count() == 1


def test_a_second_consent_is_a_renewal_and_a_withdrawal_ends_it(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        subject = give().subject_id
        give(date(2026, 5, 1))
        services.withdraw(
            actor=SYSTEM,
            subject_id=subject,
            purpose=POOL,
            effective_on=date(2026, 6, 1),
            source="api",
        )
        states = [event.state for event in selectors.history(subject)]
        assert states == ["given", "renewed", "withdrawn"]


def test_there_is_nothing_to_withdraw_without_a_consent(nordlys: Company) -> None:
    with scope.enter(nordlys.id), pytest.raises(Conflict):
        services.withdraw(
            actor=SYSTEM,
            subject_id=Subject.objects.get().pk,
            purpose=POOL,
            effective_on=date(2026, 6, 1),
            source="api",
        )


def test_a_consent_without_its_notice_or_in_the_future_is_refused(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises(Invalid) as missing:
            give(notice=" ")
        with pytest.raises(Invalid) as future:
            give(on=clock.now().date() + timedelta(days=2))
        assert (missing.value.field, future.value.field) == ("notice", "effective_on")
        assert not ConsentEvent.objects.exists()


def test_mallory_cannot_consent_for_ada(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        subject = Subject.objects.get().pk
    with scope.enter(cast.mallory().id), pytest.raises(Missing):
        services.record(
            actor=SYSTEM,
            subject_id=subject,
            purpose=POOL,
            effective_on=date(2026, 4, 1),
            notice="v1",
            source="api",
        )


def test_the_runtime_role_cannot_change_or_remove_a_consent(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        give()
    for statement in (
        "DELETE FROM consents_consentevent",
        "UPDATE consents_consentevent SET notice=''",
    ):
        with transaction.atomic(), connection.cursor() as cursor:
            with pytest.raises(DatabaseError, match="permission denied"):
                cursor.execute(statement)
            transaction.set_rollback(True)


def test_of_people_only_those_who_work_with_candidates_record_consents(nordlys: Company) -> None:
    auditor = cast.person(nordlys.controller, "aud@nordlys.example", Role.AUDITOR)
    stranger = cast.mallory().dpo_actor
    with scope.enter(nordlys.id):
        subject = Subject.objects.get().pk
        said: dict[str, Any] = {
            "subject_id": subject,
            "purpose": POOL,
            "effective_on": date(2026, 4, 1),
        }
        for actor in (Actor("user", auditor.pk), stranger):
            with pytest.raises(Refused):
                services.record(actor=actor, notice="v1", source="console", **said)
        assert ConsentEvent.objects.count() == 0
        services.record(actor=nordlys.recops_actor, notice="v1", source="console", **said)
        with pytest.raises(Refused):
            services.withdraw(actor=Actor("user", auditor.pk), source="console", **said)
        assert ConsentEvent.objects.get().state == "given"
