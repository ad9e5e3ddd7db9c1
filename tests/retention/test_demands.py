"""Restriction and granted erasure: who may, what is refused, what the ledger tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest

from apps.audit.models import Pending
from apps.consents import services as consents
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.clock import today
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.retention import selectors, services
from apps.retention.models import ErasureRequirement, Restriction
from apps.subjects import intake, shredding
from apps.subjects import services as subjects
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import without_archive

pytestmark = pytest.mark.django_db
Verb = Callable[[Company, UUID], object]


@pytest.fixture
def nordlys() -> Company:
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[ADA])
        without_archive(company)
        services.refresh(actor=SYSTEM)
    return company


def restrict(company: Company, subject_id: UUID, ground: str = "claims") -> Restriction:
    return services.restrict(actor=company.dpo_actor, subject_id=subject_id, ground=ground)


def require(company: Company, subject_id: UUID, ground: str = "objection") -> ErasureRequirement:
    return services.require_erasure(actor=company.dpo_actor, subject_id=subject_id, ground=ground)


BOTH = pytest.mark.parametrize("verb", [restrict, require])


@BOTH
def test_only_a_dpo_does_it(nordlys: Company, verb: Verb) -> None:
    with scope.enter(nordlys.id):
        subject = Record.objects.get().subject_id
        asked = {"actor": nordlys.recops_actor, "subject_id": subject}
        with pytest.raises(Refused):
            services.restrict(**asked, ground="claims")  # type: ignore[arg-type]  # both are there
        with pytest.raises(Refused):
            services.require_erasure(**asked, ground="objection")  # type: ignore[arg-type]  # both are there


@BOTH
def test_an_unknown_ground_or_person_is_refused(nordlys: Company, verb: Verb) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises(Missing):
            verb(nordlys, new_id())
        with pytest.raises(Invalid) as refused:
            verb(nordlys, Record.objects.get().subject_id, "because")  # type: ignore[call-arg]  # both take one
        assert refused.value.field == "ground"
        assert not Restriction.objects.exists()
        assert not ErasureRequirement.objects.exists()


@BOTH
def test_of_another_controller_nobody_is_seen(nordlys: Company, verb: Verb) -> None:
    with scope.enter(nordlys.id):
        subject = Record.objects.get().subject_id
    other = cast.mallory()
    with scope.enter(other.id), pytest.raises(Missing):
        verb(other, subject)


@BOTH
def test_each_record_has_its_entry_and_the_dates_follow(nordlys: Company, verb: Verb) -> None:
    with scope.enter(nordlys.id):
        record = Record.objects.get()
        verb(nordlys, record.subject_id)
        entry = Pending.objects.latest("pk")
        assert entry.verb in {"restriction.placed", "erasure.required"}
        assert str(record.pk).encode() in bytes(entry.body)
        assert services.refresh(actor=SYSTEM) == 1
        assert Record.objects.get().version == record.version + 1


def test_a_person_of_whom_nothing_is_left_has_nothing_to_erase(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = Record.objects.get()
        shredding.entomb(actor=SYSTEM, record_ids=[record.pk])
        for verb in (restrict, require):
            with pytest.raises(Conflict, match="too_late"):
                verb(nordlys, record.subject_id)


def test_an_erasure_is_required_once_until_it_is_cancelled(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        subject = Record.objects.get().subject_id
        made = require(nordlys, subject)
        with pytest.raises(Conflict, match="required"):
            require(nordlys, subject)
        services.cancel_erasure(actor=nordlys.dpo_actor, requirement_id=made.pk)
        with pytest.raises(Conflict, match="cancelled"):
            services.cancel_erasure(actor=nordlys.dpo_actor, requirement_id=made.pk)
        require(nordlys, subject)


def test_a_restriction_is_lifted_only_after_the_person_was_told(nordlys: Company) -> None:
    """GDPR art. 18(3)."""
    day = today("Europe/Paris")
    with scope.enter(nordlys.id):
        made = restrict(nordlys, Record.objects.get().subject_id)
        with pytest.raises(Invalid) as refused:
            services.lift_restriction(
                actor=nordlys.dpo_actor, restriction_id=made.pk, told_on=day + timedelta(days=1)
            )
        assert refused.value.field == "told_on"
        services.lift_restriction(actor=nordlys.dpo_actor, restriction_id=made.pk, told_on=day)
        with pytest.raises(Conflict, match="lifted"):
            services.lift_restriction(actor=nordlys.dpo_actor, restriction_id=made.pk, told_on=day)


def test_what_comes_after_the_request_is_not_covered_by_it(nordlys: Company) -> None:
    """A consent of a later day is a new word of the person; one of the same day is not."""
    day = today("Europe/Paris")
    with scope.enter(nordlys.id):
        record = Record.objects.get()
        require(nordlys, record.subject_id)
        ErasureRequirement.objects.update(required_on=day - timedelta(days=1))
        consents.record(
            actor=SYSTEM,
            subject_id=record.subject_id,
            purpose="talent_pool",
            effective_on=day,
            notice="v1",
            source="api",
        )
        assert selectors.decide(record.pk, as_of=day).outcome == "kept"
        ErasureRequirement.objects.update(required_on=day)
        assert selectors.decide(record.pk, as_of=day).outcome == "due"


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (
            lambda actor, subject: subjects.note_contact(
                actor=actor,
                subject_id=subject,
                kind="email.opened",
                happened_on=date(2026, 1, 1),
                source="api",
            ),
            "kind",
        ),
        (
            lambda actor, subject: subjects.note_contact(
                actor=actor,
                subject_id=subject,
                kind="candidate.replied",
                happened_on=date(2090, 1, 1),
                source="api",
            ),
            "happened_on",
        ),
        (
            lambda actor, subject: consents.give_notice(
                actor=actor,
                subject_id=subject,
                notice=" ",
                given_on=date(2026, 1, 1),
                source="api",
            ),
            "notice",
        ),
        (
            lambda actor, subject: consents.give_notice(
                actor=actor,
                subject_id=subject,
                notice="v1",
                given_on=date(2090, 1, 1),
                source="api",
            ),
            "given_on",
        ),
    ],
)
def test_a_contact_or_notice_that_cannot_be_is_refused(
    nordlys: Company, call: Callable[..., object], field: str
) -> None:
    with scope.enter(nordlys.id):
        before = Pending.objects.count()
        with pytest.raises(DomainError) as refused:
            call(nordlys.recops_actor, Record.objects.get().subject_id)
        assert refused.value.field == field
        assert Pending.objects.count() == before


def test_a_notice_moves_a_sourced_person_to_the_rule_of_those_who_were_told(
    nordlys: Company,
) -> None:
    with scope.enter(nordlys.id):
        Record.objects.update(origin="sourced", collected_on=date(2026, 1, 5))
        record = Record.objects.get()
        record.applications.all().delete()
        day = date(2026, 2, 6)
        assert selectors.explain(record.pk, as_of=day).outcome == "due"
        consents.give_notice(
            actor=nordlys.recops_actor,
            subject_id=record.subject_id,
            notice="v1",
            given_on=date(2026, 1, 20),
            source="console",
        )
        said = selectors.explain(record.pk, as_of=day)
        assert (said.outcome, said.grounds[0].rule) == ("kept", "sourced_informed")
        assert said.grounds[0].ends_on == date(2026, 7, 20)
