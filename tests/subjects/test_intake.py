"""Taking candidates in: recognised, sealed, versioned, and never taken back after an erasure."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import connections

from apps.audit.models import Pending
from apps.connectors.port import Dated, RemoteApplication
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import intake, selectors, shredding
from apps.subjects.models import Application, Change, Record, Subject
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import erase, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def test_a_new_candidate_becomes_a_sealed_subject_a_record_and_its_applications(
    nordlys: Company,
) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        assert take(connection, ADA) == intake.Taken(created=1)
        record = Record.objects.get()
        assert selectors.identities([record.pk])[record.pk].full_name == "Ada Quillfeather"
        assert selectors.remote_ids([record.pk]) == {record.pk: "4711"}
        assert selectors.find(email="ADA.Quillfeather@example.org") == [record.subject_id]
        assert Application.objects.get().state == "rejected"
        assert Change.objects.filter(record=record).exists()


def test_repeating_a_page_changes_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        entries = Pending.objects.count()
        assert take(connection, replace(ADA, updated_at=datetime.now(UTC))) == intake.Taken(
            unchanged=1
        )
        assert Record.objects.get().version == 1
        assert Pending.objects.count() == entries


def test_a_changed_fact_raises_the_version(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        changed = replace(ADA, applications=(replace(ADA.applications[0], state="open"),))
        assert take(connection, changed) == intake.Taken(changed=1)
        assert Record.objects.get().version == 2
        assert Application.objects.get().state == "open"


def test_an_application_that_is_gone_in_the_ats_goes_here(nordlys: Company) -> None:
    second = replace(ADA.applications[0], remote_id="9002")
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, replace(ADA, applications=(*ADA.applications, second)))
        assert Application.objects.count() == 2
        take(connection, ADA)
        assert Application.objects.count() == 1


def test_the_first_application_date_seen_stays(nordlys: Company) -> None:
    reset = replace(ADA.applications[0], applied=Dated(datetime(2026, 11, 1, tzinfo=UTC), "exact"))
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        take(connection, replace(ADA, applications=(reset,)))
        assert Application.objects.get().applied_on == datetime(2026, 1, 5, tzinfo=UTC).date()


def test_dates_are_those_of_the_establishment(nordlys: Company) -> None:
    late = Dated(datetime(2026, 3, 31, 22, 30, tzinfo=UTC), "exact")  # already 1 April in Paris
    with scope.enter(nordlys.id):
        take(
            cast.csv_connection(),
            replace(ADA, applications=(replace(ADA.applications[0], closed=late),)),
        )
        assert str(Application.objects.get().closed_on) == "2026-04-01"


def test_one_person_in_two_atss_is_one_subject_with_two_records(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, second = cast.csv_connection("one"), cast.csv_connection("two")
        take(first, ADA)
        take(second, replace(ADA, remote_id="X-1"))
        assert Subject.objects.count() == 1
        assert Record.objects.count() == 2


def test_two_people_of_one_page_with_one_address_are_one_subject(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        take(cast.csv_connection(), ADA, replace(ADA, remote_id="4712"))
        assert Subject.objects.count() == 1
        assert Record.objects.count() == 2


def test_people_without_an_address_are_never_merged(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        nobody = replace(ADA, emails=())
        take(cast.csv_connection(), nobody, replace(nobody, remote_id="4712"))
        assert Subject.objects.count() == 2


def test_the_same_person_of_another_controller_stays_another(nordlys: Company) -> None:
    vantage = cast.mallory()
    with scope.enter(nordlys.id):
        take(cast.csv_connection(), ADA)
    with scope.enter(vantage.id):
        assert selectors.find(email="ada.quillfeather@example.org") == []
        take(cast.csv_connection(), ADA)
        assert Subject.objects.count() == 1
    with scope.enter(nordlys.id):
        assert Subject.objects.count() == 1


def test_no_value_of_a_person_lies_open_in_either_database(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        take(cast.csv_connection(), ADA)
    for alias in ("default", "keys"):
        for table in connections[alias].introspection.table_names():
            with connections[alias].cursor() as cursor:
                if alias == "default" and not _readable(table):
                    continue
                cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608 - names from the catalogue
                rows = " ".join(row[0] for row in cursor.fetchall()).casefold()
            for trace in ("quillfeather", "ada.quill", b"quillfeather".hex()):
                assert trace not in rows, table
            # The remote id; an instant's microseconds or a uuid may hold its digits by chance.
            assert not re.search(r"(?<![\w.-])4711(?![\w-])", rows), table


def _readable(table: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [table])
        return bool(cursor.fetchone()[0])


def test_an_erased_record_is_forgotten_here(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        take(cast.csv_connection(), ADA)
        record = Record.objects.get()
        erase(record)
        record.refresh_from_db()
        assert (record.state, record.sealed_remote_id, bytes(record.remote_digest)) == (
            Record.State.ERASED,
            None,
            b"",
        )
        assert Subject.objects.get().state == Subject.State.SHREDDED
        assert Subject.objects.get().sealed_name is None
        assert selectors.identities([record.pk]) == {}
        assert selectors.find(email="ada.quillfeather@example.org") == []
        assert not Application.objects.exists()


def test_the_key_goes_with_the_last_record_only(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, second = cast.csv_connection("one"), cast.csv_connection("two")
        take(first, ADA)
        take(second, replace(ADA, remote_id="X-1"))
        one, two = Record.objects.order_by("pk")
        erase(one)
        assert Subject.objects.get().state == Subject.State.LIVING
        assert selectors.identities([two.pk])[two.pk].first_name == "Ada"
        erase(two)
        assert Subject.objects.get().state == Subject.State.SHREDDED


def test_an_erased_person_returned_clean_is_still_erased(nordlys: Company) -> None:
    clean = replace(
        ADA, first_name="Anonymized", last_name="4711", emails=(), phones=(), anonymized=True
    )
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(Record.objects.get())
        assert take(connection, clean) == intake.Taken(tombstoned=1)
        assert Record.objects.count() == 1
        assert Subject.objects.count() == 1


def test_an_erased_person_who_comes_back_with_their_data_is_resurrected(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(Record.objects.get())
        assert take(connection, ADA) == intake.Taken(resurrected=1)
        assert Record.objects.exclude(state=Record.State.ERASED).get().state == "resurrected"


def test_an_erased_person_who_applies_again_begins_a_new_life(nordlys: Company) -> None:
    again = RemoteApplication(
        remote_id="9900",
        state="open",
        country="FR",
        applied=Dated(datetime.now(UTC) + timedelta(days=2), "exact"),
    )
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(Record.objects.get())
        back = replace(ADA, applications=(*ADA.applications, again))
        assert take(connection, back) == intake.Taken(created=1)
        assert Record.objects.exclude(state=Record.State.ERASED).get().state == "present"


def test_a_shredding_that_was_interrupted_is_finished_by_the_next_run(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        take(cast.csv_connection(), ADA)
        record = Record.objects.get()
        shredding.bury(actor=SYSTEM, record_ids=[record.pk])
        shredding.entomb(actor=SYSTEM, record_ids=[record.pk])  # and here the worker was killed
        assert Subject.objects.get().state == Subject.State.SHREDDING
        assert shredding.finish_shredding(actor=SYSTEM) == 1
        assert shredding.finish_shredding(actor=SYSTEM) == 0
        assert Subject.objects.get().state == Subject.State.SHREDDED
