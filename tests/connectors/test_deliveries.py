"""Webhooks as they come: verified, kept once, without anything about a person."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.connectors import selectors, services
from apps.connectors.fakes.greenhouse import start
from apps.connectors.greenhouse import fields, webhooks
from apps.connectors.models import Connection, VendorEvent
from apps.core import clock, scope
from apps.core.errors import Invalid, Missing, Refused
from apps.core.ids import new_id
from tests import cast

from .greenhouse_account import adapter
from .greenhouse_caller import SECRET, Caller, calling, config, mailbox


@pytest.fixture
def nordlys(db: None) -> cast.Company:
    return cast.company()


@pytest.fixture
def connection(nordlys: cast.Company, tmp_path: Path) -> Connection:
    with start(config(tmp_path)) as fake, scope.enter(nordlys.id):
        return services.connect(
            actor=nordlys.recops_actor,
            name="Greenhouse",
            vendor="greenhouse",
            base_url=fake.url,
            auth_url=fake.token_url,
            credentials={
                "client_id": "client",
                "client_secret": "secret",
                "sub": "4004",
                "webhook_secret": SECRET,
            },
        )


def body(action: str = "candidate_anonymized", **payload: Any) -> bytes:
    given = payload or {"candidate_id": 7, "anonymized_fields": ["emails", "full_name"]}
    return json.dumps({"action": action, "payload": given}).encode()


def receive(connection: Connection, raw: bytes, delivery: str = "d-1") -> services.Delivery:
    headers = {"signature": webhooks.signature(SECRET, raw), "greenhouse-event-id": delivery}
    return services.receive(connection_id=connection.pk, headers=headers, body=raw)


def stored(connection: Connection) -> list[VendorEvent]:
    with scope.enter(connection.controller_id):
        return list(VendorEvent.objects.filter(connection=connection))


def digest(connection: Connection, remote_id: str = "7") -> bytes:
    with scope.enter(connection.controller_id):
        return selectors.remote_digest(connection.pk, remote_id)


def test_a_signed_event_is_kept_once_whatever_the_vendor_repeats(connection: Connection) -> None:
    assert receive(connection, body()).outcome == "stored"
    assert receive(connection, body()).outcome == "repeated"
    assert receive(connection, body(), delivery="d-2").outcome == "stored"
    assert len(stored(connection)) == 2


def test_what_is_kept_names_the_person_by_a_keyed_digest_only(connection: Connection) -> None:
    person = {"id": 37031511, "first_name": "Ada", "last_name": "Quillfeather"}
    receive(connection, body("delete_candidate", person=person))
    (event,) = stored(connection)
    kept = {name: value for name, value in vars(event).items() if not name.startswith("_")}
    assert "37031511" not in repr(kept)
    assert "Quillfeather" not in repr(kept)
    assert bytes(event.remote_digest) == digest(connection, "37031511")


def test_one_flipped_byte_is_refused_and_nothing_is_kept(connection: Connection) -> None:
    raw = bytearray(body())
    headers = {"Signature": webhooks.signature(SECRET, bytes(raw)), "Greenhouse-Event-ID": "d"}
    raw[20] ^= 1
    with pytest.raises(Refused, match=r"^signature$"):
        services.receive(connection_id=connection.pk, headers=headers, body=bytes(raw))
    with pytest.raises(Refused):
        services.receive(connection_id=connection.pk, headers={}, body=body())
    assert stored(connection) == []


def test_a_signed_body_that_is_no_event_is_refused_with_its_place(connection: Connection) -> None:
    with pytest.raises(Invalid) as caught:
        receive(connection, b'{"action": "candidate_anonymized", "payload": {}}')
    assert caught.value.field == "payload.anonymized_fields"
    assert stored(connection) == []


def test_an_event_about_a_job_is_not_kept(connection: Connection) -> None:
    assert receive(connection, body("job_created", id=3)).outcome == "ignored"
    assert stored(connection) == []


def test_an_unknown_connection_is_missing(connection: Connection) -> None:
    raw = body()
    headers = {"Signature": webhooks.signature(SECRET, raw)}
    with pytest.raises(Missing):
        services.receive(connection_id=new_id(), headers=headers, body=raw)


def test_a_connection_without_a_webhook_takes_none(nordlys: cast.Company) -> None:
    with scope.enter(nordlys.id):
        export = services.connect(actor=nordlys.recops_actor, name="Export", vendor="csv")
    with pytest.raises(Missing):
        receive(export, body())


def test_confirmations_are_counted_from_an_instant_for_one_candidate(
    connection: Connection, nordlys: cast.Company
) -> None:
    before = clock.now()
    receive(connection, body(candidate_id=7, anonymized_fields=["rejection_reasons"]), "a")
    receive(connection, body(candidate_id=7, anonymized_fields=["emails", "novel"]), "b")
    receive(connection, body(candidate_id=8, anonymized_fields=["notes"]), "c")
    receive(connection, body("delete_candidate", person={"id": 7}), "d")
    with scope.enter(nordlys.id):
        found = selectors.confirmed(connection.pk, digest(connection), before)
        later = selectors.confirmed(connection.pk, digest(connection), clock.now())
    assert (found.fields, found.events) == (frozenset({"rejection_reason", "emails"}), 2)
    assert (later.fields, later.events, later.last_at) == (frozenset(), 0, None)


def test_deletions_and_merges_are_what_disappeared(
    connection: Connection, nordlys: cast.Company
) -> None:
    receive(connection, body("delete_candidate", person={"id": 7}), "a")
    receive(connection, body("merge_candidate", person={"id": 8, "new_candidate_id": 9}), "b")
    receive(connection, body("update_candidate", candidate={"id": 10}), "c")
    with scope.enter(nordlys.id):
        found = selectors.disappeared(connection.pk, None)
        assert selectors.disappeared(connection.pk, clock.now()) == []
    assert set(found) == {digest(connection, "7"), digest(connection, "8")}


def test_another_controller_sees_no_event(connection: Connection) -> None:
    receive(connection, body())
    mallory = cast.mallory()
    with scope.enter(mallory.id):
        assert not VendorEvent.objects.exists()
        assert list(selectors.events_for(connection.pk, digest(connection))) == []


def test_the_events_of_the_fake_confirm_what_no_read_shows(
    connection: Connection, nordlys: cast.Company, tmp_path: Path
) -> None:
    """Over real HTTP: the server signs and sends, we verify the bytes as they came."""
    place = tmp_path / "other"
    place.mkdir()
    before = clock.now()
    with (
        mailbox() as box,
        start(config(place, candidates=2, webhook_url=box.url)) as fake,
        calling(fake) as caller,
    ):
        someone = _first(caller)
        adapter(fake).anonymize(someone)
        box.wait(1)
        outcomes = [
            services.receive(connection_id=connection.pk, headers=headers, body=raw).action
            for headers, raw in box.received
        ]
    assert "candidate_anonymized" in outcomes
    with scope.enter(nordlys.id):
        found = selectors.confirmed(connection.pk, digest(connection, someone), before)
    assert found.fields == set(fields.REQUESTED)


def _first(caller: Caller) -> str:
    return str(caller.dump()["candidate"][0]["id"])
