"""One person is one subject, however they are spelt and whoever brings them first."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import connections, transaction

from apps.connectors.models import Connection
from apps.connectors.port import RemoteCandidate
from apps.core import scope
from apps.keys import services as keys
from apps.subjects import intake
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import ADA
from tests.subjects.steps import take


@pytest.mark.django_db
def test_two_spellings_of_an_address_on_one_page_are_one_person() -> None:
    upper = replace(ADA, remote_id="4712", emails=(ADA.emails[0].upper(),))
    with scope.enter(cast.company().id):
        connection = cast.csv_connection("one")
        take(connection, ADA, upper)
        assert (Subject.objects.count(), Record.objects.count()) == (1, 2)
        # And when the person is known already: both spellings find them.
        take(cast.csv_connection("two"), upper, replace(ADA, emails=(f" {ADA.emails[0]}",)))
        assert (Subject.objects.count(), Record.objects.count()) == (1, 4)


def _at_once(company_id: UUID, pages: Iterable[tuple[Connection, RemoteCandidate]]) -> list[object]:
    """Take each page in over a connection of its own, at the same time."""

    def work(page: tuple[Connection, RemoteCandidate]) -> object:
        try:
            with scope.enter(company_id):
                return take(page[0], page[1])
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, pages))


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has looked a person up waits for the other to have looked, but not for ever."""
    barrier, find = threading.Barrier(2), keys.find

    def find_and_wait(kind: str, values: Iterable[str]) -> dict[str, set[UUID]]:
        found = find(kind, values)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=1)
        return found

    monkeypatch.setattr(keys, "find", find_and_wait)


@pytest.mark.django_db(transaction=True)
def test_two_connections_that_bring_one_person_at_once_end_with_one_subject(meeting: None) -> None:
    nordlys = cast.company()
    with scope.enter(nordlys.id):
        first, second = cast.csv_connection("one"), cast.csv_connection("two")
        pages = [(first, ADA), (second, replace(ADA, remote_id="X-1"))]
        assert _at_once(nordlys.id, pages) == [intake.Taken(created=1)] * 2
        assert (Subject.objects.count(), Record.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_one_page_taken_twice_at_once_is_one_record(meeting: None) -> None:
    nordlys = cast.company()
    with scope.enter(nordlys.id):
        page = (cast.csv_connection(), ADA)
        taken = _at_once(nordlys.id, [page, page])
        assert intake.Taken(created=1) in taken
        assert intake.Taken(unchanged=1) in taken
        assert Record.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_page_that_brings_nobody_new_waits_for_nobody() -> None:
    nordlys = cast.company()
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        with transaction.atomic(), ThreadPoolExecutor() as pool:
            intake._alone()
            page = (connection, replace(ADA, last_name="Tarnholt"))
            waiting = pool.submit(_at_once, nordlys.id, [page])
            assert waiting.result(timeout=30) == [intake.Taken(changed=1)]
