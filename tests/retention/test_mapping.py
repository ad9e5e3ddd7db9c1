"""The words of an ATS: what they mean, what nobody mapped, and what another meaning would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.utils import translation

from apps.audit.models import Pending
from apps.connectors.models import Connection
from apps.connectors.port import Dated, RemoteApplication
from apps.core import scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused
from apps.retention import explaining, held, mapped, mapping, meanings, selectors, services
from apps.retention.hold_rules import Query
from apps.retention.meanings import Entry, Stands, Words
from apps.retention.models import Ground, Mapping
from apps.retention.rules import Reason
from apps.subjects import intake
from apps.subjects.models import Application, Change, Record, Standing
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import without_archive

pytestmark = pytest.mark.django_db
DUE = date(2026, 6, 3)
REJECTED = ADA.applications[0]
RUNNING = replace(REJECTED, state="open", closed=Dated(), rejected_notified=Dated())


def stocked(*applications: RemoteApplication) -> tuple[Company, Connection]:
    """One person for each application, under a policy in force."""
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        for number, one in enumerate(applications, 1):
            own = replace(one, remote_id=f"8{number:05d}")
            people = [cast.candidate(number, applications=(own,))]
            intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=people)
        without_archive(company)
        services.refresh(actor=SYSTEM)
    return company, connection


def told(record: Record) -> str:
    with translation.override("en"):
        return explaining.explain(record.pk, as_of=DUE).sentence


def mapped_as(company: Company, connection: Connection, *entries: Entry, version: int = 0) -> None:
    services.change_mapping(
        actor=company.recops_actor, connection_id=connection.pk, entries=entries, version=version
    )


ARCHIVED = replace(REJECTED, state="unknown", status="Archivé")
LOST = replace(RUNNING, stage="Sans suite")
LEFT = replace(REJECTED, reason="Candidature retirée")


def test_a_word_nobody_mapped_decides_nothing_and_is_named() -> None:
    company, connection = stocked(ARCHIVED)
    with scope.enter(company.id):
        record = Record.objects.get()
        assert selectors.decide(record.pk, as_of=DUE).outcome == "undecided"
        assert "“Archivé”" in told(record)
        (word,) = mapped.words(connection.pk)
        assert (word.kind, word.word, word.meaning, word.undecided) == (
            "status",
            "Archivé",
            None,
            1,
        )


def test_mapping_it_decides_and_rewrites_no_record() -> None:
    company, connection = stocked(ARCHIVED)
    with scope.enter(company.id):
        before = list(Record.objects.values()), list(Application.objects.values())
        mapped_as(company, connection, Entry("status", "Archivé", "rejected"))
        assert (list(Record.objects.values()), list(Application.objects.values())) == before
        (record,) = Record.objects.all()
        assert selectors.due_ids(as_of=DUE) == [record.pk]
        assert Change.objects.count() == 0
        assert Mapping.objects.get().version == 1
        entry = Pending.objects.filter(verb="mapping.changed").get()
        assert entry.object_id == connection.pk
        assert "Archivé" not in str(entry.body)
        mapped_as(company, connection, version=1)
        assert selectors.due_ids(as_of=DUE) == []
        assert mapped.entries(mapped.current(connection.pk)) == ()


def test_a_stage_closes_what_the_ats_calls_open_and_a_missing_day_is_named() -> None:
    company, connection = stocked(LOST, replace(RUNNING, stage="Entretien"))
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("stage", "Sans suite", "rejected"))
        reasons = set(Ground.objects.values_list("reason", flat=True))
        assert reasons == {Reason.OPEN_APPLICATION, Reason.NO_TRIGGER}


def test_a_reason_makes_a_refusal_a_withdrawal_with_its_own_trigger() -> None:
    company, connection = stocked(LEFT, replace(REJECTED, reason="Trop junior"))
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("reason", "Candidature retirée", "withdrawn"))
        found = Ground.objects.values_list("cell__rule", "cell__trigger")
        active = {one for one in found if not one[0].endswith(".archive")}
        assert active == {
            ("withdrawn", "candidate.withdrew"),
            ("rejected", "process.closed"),
        }


def test_a_stage_of_sourced_people_follows_the_rule_of_sourced_people() -> None:
    company, connection = stocked(replace(RUNNING, stage="Vivier LinkedIn"))
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("stage", "Vivier LinkedIn", "sourced"))
        assert [*Ground.objects.values_list("cell__rule", flat=True)] == ["sourced"]


def test_a_preview_says_what_the_edit_then_does() -> None:
    company, connection = stocked(ARCHIVED, ARCHIVED, LOST, LEFT, RUNNING)
    with scope.enter(company.id):
        wanted = (
            Entry("status", "Archivé", "rejected"),
            Entry("stage", "Sans suite", "hired"),
            Entry("reason", "Candidature retirée", "withdrawn"),
        )
        first, second, third, fourth, _running = Record.objects.order_by("pk")
        services.place_hold(
            actor=company.dpo_actor,
            subject_id=second.subject_id,
            reason="A claim",
            review_on=date(2090, 1, 1),
        )
        said = mapping.preview(connection_id=connection.pk, entries=wanted, as_of=DUE)
        assert said.touched == 4
        assert {(one.was, one.becomes, one.records, *one.examples) for one in said.moved} == {
            ("undecided", "due", 1, first.pk),
            ("held", "held", 1, second.pk),
            ("kept", "kept", 1, third.pk),
            ("due", "due", 1, fourth.pk),
        }
        assert (said.becoming("due"), said.becoming("undecided")) == (1, 0)
        assert Mapping.objects.count() == 0, "a preview writes nothing"
        mapped_as(company, connection, *wanted)
        for one in said.moved:
            for pk in one.examples:
                assert selectors.decide(pk, as_of=DUE).outcome == one.becomes
        assert set(selectors.due_ids(as_of=DUE)) == {first.pk, fourth.pk}
        again = mapping.preview(connection_id=connection.pk, entries=wanted, as_of=DUE)
        assert (again.touched, again.moved) == (0, ())


def test_what_is_marked_is_not_due_before_it_was_worked_out() -> None:
    company, connection = stocked(LEFT)
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("reason", "Candidature retirée", "withdrawn"))
        record = Record.objects.get()
        Change.objects.create(record=record, controller_id=company.id)
        assert selectors.due_ids(as_of=DUE) == []
        services.refresh(actor=SYSTEM)
        assert selectors.due_ids(as_of=DUE) == [record.pk]


def test_a_word_that_arrives_later_is_mapped_already() -> None:
    company, connection = stocked(ARCHIVED)
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("status", "Archivé", "rejected"))
        later = replace(ARCHIVED, stage="Classé")
        people = [cast.candidate(7, applications=(later,))]
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=people)
        services.refresh(actor=SYSTEM)
        assert len(selectors.due_ids(as_of=DUE)) == 2
        assert Standing.objects.count() == 2


def test_a_hold_by_state_follows_the_mapping() -> None:
    company, connection = stocked(LOST)
    with scope.enter(company.id):
        asked = Query(states=("rejected",))
        assert held.by_query(asked).people == 0
        mapped_as(company, connection, Entry("stage", "Sans suite", "rejected"))
        assert held.by_query(asked).people == 1


def test_a_mapping_that_frees_whom_a_hold_keeps_is_a_dpo_s_to_save() -> None:
    company, connection = stocked(replace(REJECTED, status="Rejeté"))
    ended = Entry("status", "Rejeté", "withdrawn")
    with scope.enter(company.id):
        case = services.open_case(
            actor=company.dpo_actor,
            matter="A claim",
            reason="A claim",
            owner_id=company.dpo.pk,
            review_on=date(2090, 1, 1),
            query=Query(states=("rejected",)),
        ).case
        seen = mapping.preview(connection_id=connection.pk, entries=[ended], as_of=DUE)
        assert seen.let_go == 1
        with pytest.raises(Conflict) as caught:
            mapped_as(company, connection, ended)
        assert caught.value.code == "held"
        assert not Mapping.objects.exists()
        services.change_mapping(
            actor=company.dpo_actor, connection_id=connection.pk, entries=[ended], version=0
        )
        services.release_case(actor=company.dpo_actor, case_id=case.pk)
        mapped_as(company, connection, Entry("status", "Rejeté", "rejected"), version=1)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ((Entry("tag", "Vivier", "open"),), "word"),  # type: ignore[arg-type]  # as a form may send
        ((Entry("stage", " ", "open"),), "word"),
        ((Entry("reason", "Parti", "hired"),), "meaning"),
        ((Entry("stage", "A", "open"), Entry("stage", "A", "hired")), "word_twice"),
        ((), "mapping_same"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(entries: tuple[Entry, ...], code: str) -> None:
    company, connection = stocked(ARCHIVED)
    with scope.enter(company.id):
        with pytest.raises(Invalid) as caught:
            mapped_as(company, connection, *entries)
        assert (caught.value.code, caught.value.field) == (code, "entries")
        assert Mapping.objects.count() == 0


def test_two_people_do_not_overwrite_each_other() -> None:
    company, connection = stocked(ARCHIVED)
    with scope.enter(company.id):
        mapped_as(company, connection, Entry("status", "Archivé", "hired"))
        with pytest.raises(Conflict):
            mapped_as(company, connection, Entry("status", "Archivé", "rejected"))
        assert mapped.words(connection.pk)[0].meaning == "hired"


def test_others_may_neither_map_nor_see() -> None:
    company, connection = stocked(ARCHIVED)
    stranger = cast.mallory()
    with scope.enter(company.id):
        auditor = cast.person(company.controller, "auditor@nordlys.example", "auditor")
        with pytest.raises(Refused):
            services.change_mapping(
                actor=Actor("user", auditor.pk), connection_id=connection.pk, entries=(), version=0
            )
    entry = Entry("status", "Archivé", "rejected")
    with scope.enter(stranger.id):
        assert mapped.words(connection.pk) == []
        for call in (
            lambda: mapped_as(stranger, connection, entry),
            lambda: mapping.preview(connection_id=connection.pk, entries=[entry], as_of=DUE),
        ):
            with pytest.raises(DomainError) as caught:
                call()
            assert isinstance(caught.value, Missing)


def test_the_status_speaks_first_then_the_stage_or_the_reason() -> None:
    said = meanings.table(
        [
            Entry("status", "Closed", "rejected"),
            Entry("stage", "Won", "hired"),
            Entry("reason", "Left", "withdrawn"),
        ]
    )
    unknown, refused = Stands("unknown", prospect=False), Stands("rejected", prospect=False)
    cases = {
        Words(unknown, "Closed", "Won", "Left"): "withdrawn",
        Words(unknown, "Closed", "Won", "Late"): "rejected",
        Words(unknown, "Else", "Won", "Left"): "hired",
        Words(refused, "", "Won", "Left"): "withdrawn",
        Words(refused, "", "Won", ""): "rejected",
        Words(unknown, "Else", "Lost", "Left"): "unknown",
    }
    assert {words: meanings.stands(words, said).state for words in cases} == cases
    assert meanings.unmapped(Words(unknown, "Else", "Lost"), said) == "Lost"
    assert meanings.unmapped(Words(unknown, "Else"), said) == "Else"
    assert meanings.unmapped(Words(unknown, "Closed"), said) == ""
