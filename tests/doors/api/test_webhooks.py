"""What an ATS sends: raw bytes, their signature, and an answer only after the commit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import uuid4

import pytest

from apps.connectors import credentials
from apps.connectors.greenhouse.webhooks import signature
from apps.connectors.models import Connection, Vendor, VendorEvent
from apps.core import scope
from apps.core.ids import new_id
from tests import cast
from tests.cast import Company
from tests.doors.api.machine import Answer, anonymous, problem

SECRET = "a secret of our own"
EVENT = json.dumps(
    {
        "action": "candidate_anonymized",
        "payload": {"candidate_id": 4711, "anonymized_fields": ["full_name", "phone_numbers"]},
    }
).encode()


@dataclass(frozen=True)
class Post:
    """Nordlys's Greenhouse account, as the vendor sees it."""

    company: Company
    connection: Connection

    def send(self, body: bytes = EVENT, **headers: str) -> Answer:
        known = {"Signature": signature(SECRET, body), "Greenhouse-Event-ID": "d-1", **headers}
        return self.to(str(self.connection.pk), body, known)

    def to(self, connection: str, body: bytes, headers: dict[str, str]) -> Answer:
        return anonymous().post(
            f"/webhooks/greenhouse/{connection}/",
            body,
            content_type="application/json",
            headers=headers,
        )

    def events(self) -> int:
        with scope.enter(self.company.id):
            return VendorEvent.objects.count()


@pytest.fixture
def post(db: None) -> Post:
    nordlys, key = cast.company(), new_id()
    known = {"client_id": "c", "client_secret": "s", "user_id": "1", "webhook_secret": SECRET}
    with scope.enter(nordlys.id):
        connection = Connection.objects.create(
            id=key,
            name="Greenhouse",
            vendor=Vendor.GREENHOUSE,
            credentials=credentials.seal(key, known),
        )
    return Post(nordlys, connection)


def test_an_event_is_kept_before_it_is_acknowledged(post: Post) -> None:
    response = post.send()
    assert (response.status_code, json.loads(response.content)) == (200, {"status": "received"})
    with scope.enter(post.company.id):
        event = VendorEvent.objects.get()
    assert (event.action, sorted(event.fields)) == (
        "candidate_anonymized",
        ["full_name", "phone_numbers"],
    )


def test_the_same_delivery_twice_is_one_event(post: Post) -> None:
    assert [post.send().status_code, post.send().status_code] == [200, 200]
    assert post.events() == 1


def test_one_flipped_byte_is_refused(post: Post) -> None:
    flipped = EVENT.replace(b"4711", b"4710")
    found = problem(post.send(flipped, Signature=signature(SECRET, EVENT)), 403)
    assert found["code"] == "webhook_refused"
    assert post.events() == 0


def test_an_unknown_connection_and_a_wrong_signature_get_the_same_answer(post: Post) -> None:
    signed = {"Signature": signature("another", EVENT)}
    unknown = post.to(str(uuid4()), EVENT, {"Signature": signature(SECRET, EVENT)})
    wrong = post.to(str(post.connection.pk), EVENT, signed)
    unsigned = post.to(str(post.connection.pk), EVENT, {})
    assert problem(unknown, 403) == problem(wrong, 403) == problem(unsigned, 403)
    assert post.events() == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"Ada Quillfeather", ""),
        (b'["Ada Quillfeather"]', ""),
        (b'{"action": "Ada Quillfeather"}', "/action"),
        (b'{"action": "candidate_anonymized", "payload": "Ada Quillfeather"}', "/payload"),
        (
            b'{"action": "candidate_anonymized", "payload": {"candidate_id": "Ada Quillfeather",'
            b' "anonymized_fields": []}}',
            "/payload/candidate_id",
        ),
    ],
)
def test_a_malformed_event_is_named_by_its_place_and_never_repeated(
    post: Post, body: bytes, pointer: str
) -> None:
    response = post.send(body)
    found = problem(response, 422)
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    assert "Quillfeather" not in response.content.decode()
    assert post.events() == 0


def test_a_body_of_megabytes_is_refused(post: Post) -> None:
    assert problem(post.send(b" " * (1024 * 1024 + 1)), 413)["code"] == "too_large"


def test_only_posting_is_taken(post: Post) -> None:
    response = anonymous().get(f"/webhooks/greenhouse/{post.connection.pk}/")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "POST"
