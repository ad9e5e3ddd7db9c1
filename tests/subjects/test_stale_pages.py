"""A page read before an erasure says nothing about after it: the ATS is asked again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from apps.audit.models import Pending
from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.connectors.port import Page, RemoteCandidate
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.keys import services as keys
from apps.subjects import sync
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import applied, erase, living, take

CLEAN = replace(ADA, first_name="", last_name="", emails=(), phones=(), anonymized=True)
BO = cast.candidate(1)


@dataclass
class Ats:
    """Gives out one page it read long ago; asked afresh, it says what is so now."""

    page: tuple[RemoteCandidate, ...]
    now: tuple[RemoteCandidate, ...] = ()
    asked: list[str] = field(default_factory=list)

    def changes(self, _since: str) -> Iterator[Page]:
        yield Page(self.page, cursor="next", done=True)

    def fetch(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteCandidate]:
        self.asked += remote_ids
        return {one.remote_id: one for one in self.now}


@dataclass
class House:
    connection: Connection
    patch: pytest.MonkeyPatch

    def sync(self, ats: Ats) -> sync.SyncResult:
        self.patch.setattr(connectors, "adapter", lambda _connection: ats)
        return sync.sync(actor=SYSTEM, connection_id=self.connection.pk)

    @property
    def cursor(self) -> str:
        return Connection.objects.get(pk=self.connection.pk).cursor


@pytest.fixture
def nordlys(db: None) -> Company:
    return cast.company()


@pytest.fixture
def house(nordlys: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Ada is known, and was erased after the page at hand was read."""
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(living())
        yield House(connection, monkeypatch)


def came_back() -> int:
    """What the ledger says of it."""
    pages = Pending.objects.filter(verb="intake.page_taken")
    return sum(json.loads(bytes(row.body))["facts"]["counts"]["resurrected"] for row in pages)


@pytest.mark.parametrize("now", [(), (CLEAN,)], ids=["absent", "clean"])
def test_a_page_read_before_an_erasure_brings_nobody_back(
    house: House, now: tuple[RemoteCandidate, ...]
) -> None:
    ats = Ats(page=(ADA, BO), now=now)
    assert house.sync(ats) == sync.SyncResult(pages=1, created=1)
    assert ats.asked == [ADA.remote_id]
    assert not Record.objects.filter(state=Record.State.RESURRECTED).exists()
    assert (Subject.objects.filter(state="living").count(), came_back()) == (1, 0)
    assert house.cursor == "next"


def test_an_application_on_an_old_page_begins_no_new_life(house: House) -> None:
    ats = Ats(page=(replace(ADA, applications=(applied(),)),), now=(CLEAN,))
    assert house.sync(ats) == sync.SyncResult(pages=1)
    assert not Record.objects.exclude(state=Record.State.ERASED).exists()


def test_who_is_really_back_is_taken_as_the_ats_says_now(house: House) -> None:
    ats = Ats(page=(ADA,), now=(replace(ADA, last_name="Tarnholt"), BO))
    assert house.sync(ats) == sync.SyncResult(pages=1, changed=1)
    assert (living().state, came_back()) == (Record.State.RESURRECTED, 1)
    assert Record.objects.count() == 2  # nobody was asked about Bo


def test_nobody_is_asked_about_who_was_never_erased(house: House) -> None:
    ats = Ats(page=(BO, CLEAN))
    assert house.sync(ats) == sync.SyncResult(pages=1, created=1)
    assert ats.asked == []


def _erase_while(patch: pytest.MonkeyPatch, service: str) -> None:
    """The next time the intake calls this service of the keys, everybody is erased first."""
    real = getattr(keys, service)

    def meanwhile(*args: Any) -> Any:
        patch.setattr(keys, service, real)
        for record in Record.objects.exclude(state=Record.State.ERASED):
            erase(record)
        return real(*args)

    patch.setattr(keys, service, meanwhile)


@pytest.mark.parametrize(
    "page", [(replace(ADA, last_name="T"),), (replace(ADA, last_name="T"), BO)]
)
def test_an_erasure_while_the_page_is_taken_brings_nobody_back_either(
    nordlys: Company, monkeypatch: pytest.MonkeyPatch, page: tuple[RemoteCandidate, ...]
) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        _erase_while(monkeypatch, "tombstones")  # the records were read, nothing is written
        ats = Ats(page=page, now=(CLEAN,))
        result = House(connection, monkeypatch).sync(ats)
        assert (result.failure, result.created) == ("", len(page) - 1)
        assert ats.asked == [ADA.remote_id]
        assert came_back() == 0


def test_a_reading_from_the_beginning_asked_meanwhile_is_not_forgotten(house: House) -> None:
    @dataclass
    class Asked(Ats):
        def changes(self, _since: str) -> Iterator[Page]:
            yield Page(self.page, cursor="next", done=False)
            connectors.change(
                actor=SYSTEM, connection_id=house.connection.pk, values={"pool_tags": ["alumni"]}
            )
            yield Page((), cursor="last", done=True)

    house.sync(Asked((ADA,)))
    assert house.cursor == ""
    house.sync(Ats((ADA,)))
    assert house.cursor == "next"
