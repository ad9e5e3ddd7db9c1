"""Who a person is: everything their records have shown, because a search must try all of it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from apps.core import scope
from apps.keys import services as keys
from apps.subjects import selectors
from apps.subjects.models import Record
from apps.subjects.sealing import Identity
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import erase, living, take

pytestmark = pytest.mark.django_db

MAIL, OLD, WORK = (*ADA.emails, "ada@old.example", "ada@work.example")


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def identity(record: Record) -> Identity:
    return selectors.identities([record.pk])[record.pk]


def test_an_address_only_another_record_knows_is_kept(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first, second = cast.csv_connection("one"), cast.csv_connection("two")
        take(first, replace(ADA, emails=(MAIL, OLD)))
        take(second, replace(ADA, remote_id="X-1", emails=(WORK, MAIL), last_name="Tarnholt"))
        record = Record.objects.get(connection=first)
        assert identity(record).emails == (WORK, MAIL, OLD)  # the present ones come first
        assert identity(record).full_name == "Ada Tarnholt"


def test_a_removed_address_is_searched_until_the_record_is_gone(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, replace(ADA, emails=(OLD,)))
        take(connection, replace(ADA, emails=(WORK,), phones=("+33 6 39 98 00 02",)))
        who = identity(living())
        assert who.emails == (WORK, OLD)
        assert who.phones == ("+33 6 39 98 00 02", *ADA.phones)
        erase(living())
        take(connection, replace(ADA, remote_id="4712", emails=(WORK,)))
        assert identity(living()).emails == (WORK,)  # another life, of another key


def test_one_address_in_two_spellings_is_kept_once(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        take(connection, replace(ADA, emails=(MAIL.upper(),), phones=("06 39 98 00 01",)))
        assert identity(living()).emails == (MAIL.upper(),)
        assert identity(living()).phones == ("06 39 98 00 01",)


def test_two_records_of_one_page_both_tell_who_it_is(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        other = replace(ADA, remote_id="4712", emails=(MAIL, OLD))
        take(cast.csv_connection(), ADA, other, replace(ADA, remote_id="4713"))
        assert identity(Record.objects.all()[0]).emails == (MAIL, OLD)


def test_an_anonymized_record_takes_neither_name_nor_address(nordlys: Company) -> None:
    clean = replace(ADA, first_name="Anon", last_name="", emails=(), phones=(), anonymized=True)
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        take(connection, clean)
        assert identity(living()).full_name == "Ada Quillfeather"
        assert identity(living()).emails == ADA.emails


def test_what_another_connection_said_meanwhile_is_not_lost(
    nordlys: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages about one person at once: who writes last has read what the other wrote."""
    index = keys.index
    with scope.enter(nordlys.id):
        first, second = cast.csv_connection("one"), cast.csv_connection("two")
        take(first, ADA)
        take(second, replace(ADA, remote_id="X-1"))

        def meanwhile(entries: Iterable[Any]) -> None:
            monkeypatch.setattr(keys, "index", index)
            take(second, replace(ADA, remote_id="X-1", emails=(WORK,)))
            index(entries)

        monkeypatch.setattr(keys, "index", meanwhile)
        take(first, replace(ADA, emails=(MAIL, OLD)))
        record = Record.objects.get(connection=first)
        assert identity(record).emails == (MAIL, OLD, WORK)
