"""Messages: written with their cause, delivered once it can be, never lost and never pretended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connections
from pytest_django import Settings

from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.core.crypto import CryptoError
from apps.core.errors import Missing
from apps.core.ids import new_id
from apps.outbox import kinds, selectors, services
from apps.outbox.kinds import Kind, Mail, Webhook
from apps.outbox.models import Message
from tests import cast, tls
from tests.cast import Company
from tests.endpoint import open_endpoint
from tests.post import PostOffice, open_office

pytestmark = pytest.mark.django_db(transaction=True)
TO = "camille@example.org"
SECRET = "whsec_bm9ib2R5cyBzZWNyZXQsIG9ubHkgZm9yIHRoaXMgdGVzdA=="
LETTER = Mail(TO, "Sujet", "Bonjour Camille,\n", "fr")


@dataclass
class Room:
    """A room above that declared a kind, and what it was told."""

    answer: Mail | str | Exception = LETTER
    told: list[tuple[str, str]] = field(default_factory=list)

    def render(self, _about: UUID) -> Mail | str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ended(self, _actor: Actor, _about: UUID, state: str, code: str) -> None:
        self.told.append((state, code))


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(kinds, "_kinds", {})
    kinds.declare(Kind("letter", made.render, made.ended))
    return made


@pytest.fixture
def office(settings: Settings) -> Iterator[PostOffice]:
    with open_office(settings) as found:
        yield found


@pytest.fixture
def nordlys() -> Iterator[Company]:
    company = cast.company()
    with scope.enter(company.id):
        yield company


def sent(about: UUID | None = None) -> UUID:
    made = about or new_id()
    services.send(actor=SYSTEM, kind="letter", about=[made])
    return made


def deliver() -> int:
    return services.deliver(actor=SYSTEM)


def row() -> Message:
    return Message.objects.get()


def later() -> None:
    """The wait is over."""
    Message.objects.update(not_before=None, lease_until=None)


def test_a_message_is_delivered_once_and_its_room_is_told(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    about = sent()
    sent(about)
    assert deliver() == 1
    assert deliver() == 0
    (letter,) = office.letters
    assert (letter["To"], letter["Subject"], letter["From"]) == (
        TO,
        "Sujet",
        "rgpd@nordlys.example",
    )
    assert letter["Auto-Submitted"] == "auto-generated"
    assert str(row().pk) in letter["Message-ID"]
    assert "Bonjour Camille" in office.body()
    assert room.told == [("delivered", "")]
    assert selectors.states("letter") == {"delivered": 1}


def test_nothing_of_the_letter_waits_in_the_queue(nordlys: Company, room: Room) -> None:
    sent()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT row_to_json(m)::text FROM outbox_message m")
        (stored,) = cursor.fetchone()
    assert TO not in stored
    assert "Camille" not in stored


def test_without_a_mail_server_it_waits_and_uses_up_no_try(nordlys: Company, room: Room) -> None:
    sent()
    assert not selectors.ready()
    assert deliver() == 0
    assert (row().state, row().attempt) == ("waiting", 0)
    assert room.told == []


def test_what_is_no_longer_wanted_is_dropped_with_its_cause(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()
    room.answer = "changed"
    assert deliver() == 1
    assert (row().state, row().code) == ("dropped", "changed")
    assert office.letters == []
    assert room.told == [("dropped", "changed")]


def test_a_server_that_is_away_is_tried_again(
    nordlys: Company, room: Room, office: PostOffice, settings: Settings
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    sent()
    assert deliver() == 0
    waiting = row()
    assert (waiting.state, waiting.code) == ("waiting", "mail_server")
    assert waiting.not_before is not None
    assert waiting.not_before > clock.now()
    assert selectors.causes("letter") == {"mail_server": 1}
    settings.EMAIL_PORT = port
    assert deliver() == 0, "its wait is not over"
    later()
    assert deliver() == 1
    assert len(office.letters) == 1


def test_an_address_refused_for_good_fails_and_one_refused_for_now_is_tried_again(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()
    office.refuses = "450 try later"
    assert deliver() == 0
    later()
    office.refuses = "550 no such user"
    assert deliver() == 1
    assert (row().state, row().code) == ("failed", "address_refused")
    assert room.told == [("failed", "address_refused")]


def test_a_message_that_cannot_be_delivered_ends_as_failed_and_not_as_silence(
    nordlys: Company, room: Room, office: PostOffice, settings: Settings
) -> None:
    settings.EMAIL_PORT = 1
    sent()
    for _try in range(services.MOST_ATTEMPTS):
        later()
        deliver()
    assert (row().state, row().attempt) == ("failed", services.MOST_ATTEMPTS)
    assert room.told == [("failed", "mail_server")]


@pytest.mark.parametrize("address", ["two\nlines@example.org", "no address"])
def test_what_is_no_address_fails_and_holds_nobody_up(
    nordlys: Company, room: Room, office: PostOffice, address: str
) -> None:
    sent()
    room.answer = Mail(address, "Sujet", "Bonjour")
    office.refuses = "553 not an address"
    assert deliver() == 1
    assert (row().state, row().code) == ("failed", "address_refused")


def test_a_message_that_cannot_be_read_is_not_the_end_of_the_others(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()
    room.answer = CryptoError("does not open")
    assert deliver() == 0
    assert (row().state, row().code) == ("waiting", "unreadable")


def test_a_batch_that_took_too_long_leaves_the_rest_to_others(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()

    def slowly(_about: UUID) -> Mail | str:
        Message.objects.update(lease_until=clock.now() + timedelta(seconds=1))
        return LETTER

    kinds._kinds["letter"] = Kind("letter", slowly, room.ended)
    assert deliver() == 0
    assert office.letters == []
    assert row().state == "waiting"


def test_a_room_that_cannot_say_is_asked_again(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()
    good, room.answer = room.answer, Missing("record", "gone for now")
    assert deliver() == 0
    assert (row().state, row().code) == ("waiting", "record")
    room.answer = good
    later()
    assert deliver() == 1


def test_no_address_is_logged(
    nordlys: Company,
    room: Room,
    office: PostOffice,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent()
    settings.EMAIL_PORT = 1
    deliver()
    later()
    office.refuses = "550 no such user camille@example.org"
    deliver()
    assert TO not in caplog.text
    assert TO not in repr(room.answer)


def test_a_worker_that_lost_its_lease_says_nothing(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()

    def meanwhile(_about: UUID) -> Mail | str:
        Message.objects.update(attempt=9, lease_until=clock.now() + timedelta(minutes=5))
        return "changed"

    kinds._kinds["letter"] = Kind("letter", meanwhile, room.ended)
    assert deliver() == 0
    assert (row().state, row().attempt) == ("waiting", 9)
    assert room.told == []


def test_two_workers_deliver_each_message_once(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    for _number in range(20):
        sent()

    def work() -> None:
        with scope.enter(nordlys.id):
            deliver()
        connections.close_all()

    workers = [threading.Thread(target=work) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(office.letters) == 20
    assert len({letter["Message-ID"] for letter in office.letters}) == 20


def test_a_kind_is_declared_once(room: Room) -> None:
    with pytest.raises(ValueError, match="declared already"):
        kinds.declare(Kind("letter", room.render, room.ended))


def test_who_is_away_is_called_once_and_keeps_nobody_waiting(
    nordlys: Company, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """More than a batch for a host that does not answer, and one for another behind them. What is
    put off comes in the next round, however soon it is due."""
    monkeypatch.setattr(services, "AWAY", timedelta(0))
    settings.WEBHOOK_HOSTS = ("127.0.0.1",)
    with socket.socket() as silent, open_endpoint() as endpoint:
        silent.bind(("127.0.0.1", 0))  # nobody listens: every call is refused
        away = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        lives = new_id()
        monkeypatch.setattr(kinds, "_kinds", {})
        kinds.declare(
            Kind(
                "call",
                lambda about: Webhook(endpoint.url if about == lives else away, {}, (SECRET,)),
                lambda *_: None,
                by="webhook",
            )
        )
        many = [new_id() for _ in range(services.BATCH + 5)]
        services.send(actor=SYSTEM, kind="call", about=many)
        services.send(actor=SYSTEM, kind="call", about=[lives])
        assert deliver() == 1
        assert len(endpoint.calls) == 1
    waiting = Message.objects.filter(state="waiting")
    assert sum(one.attempt > one.attempts_before for one in waiting) == 1
    assert {(one.attempt, one.code) for one in waiting} == {(1, "webhook_away")}
    assert waiting.count() == len(many)


def test_a_mail_server_that_is_away_is_called_once_a_round(
    nordlys: Company, room: Room, office: PostOffice, settings: Settings
) -> None:
    settings.EMAIL_PORT = 1
    for _ in range(3):
        sent()
    assert deliver() == 0
    waiting = Message.objects.all()
    assert sorted(one.attempt - one.attempts_before for one in waiting) == [0, 0, 1]
    assert selectors.causes("letter") == {"mail_server": 3}


def test_a_mail_to_nobody_was_not_delivered(
    nordlys: Company, room: Room, office: PostOffice
) -> None:
    sent()
    room.answer = replace(LETTER, to="")
    assert deliver() == 1
    assert (row().state, row().code) == ("failed", "address_refused")
    assert office.letters == []


def test_a_certificate_that_does_not_fit_is_no_addresss_fault(
    nordlys: Company, room: Room, office: PostOffice, settings: Settings, tmp_path: Path
) -> None:
    with tls.stranger(tmp_path) as port:
        settings.EMAIL_PORT, settings.EMAIL_USE_SSL = port, True
        sent()
        assert deliver() == 0
    assert (row().state, row().code) == ("waiting", "mail_server")
