"""Contacts and notices: what an ATS does not give, told by who knows."""

from __future__ import annotations

import json

import pytest

from apps.consents.models import NoticeGiven
from apps.core import scope
from apps.subjects.models import Contact, Record
from tests.doors.api.conftest import House
from tests.doors.api.machine import problem

CONTACT = {"kind": "candidate.replied", "happened_on": "2026-05-04"}
NOTICE = {"notice": "2026-01", "given_on": "2026-05-04"}


@pytest.mark.parametrize(
    ("address", "body", "kind"),
    [("contacts", CONTACT, Contact), ("notices", NOTICE, NoticeGiven)],
)
def test_a_fact_is_noted_once_and_the_deadline_follows(
    house: House, address: str, body: dict[str, str], kind: type[Contact] | type[NoticeGiven]
) -> None:
    before = house.ada.version
    asked = {"record": str(house.ada.pk), **body}
    first = house.ours.post(address, asked, **{"Idempotency-Key": "once-and-for-all"})
    again = house.ours.post(address, asked, **{"Idempotency-Key": "once-and-for-all"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert json.loads(first.content) == json.loads(again.content)
    assert json.loads(first.content)["subject"] == str(house.ada.subject_id)
    with scope.enter(house.nordlys.id):
        assert kind.objects.count() == 1
        assert Record.objects.get(pk=house.ada.pk).version == before + 1


@pytest.mark.parametrize(
    ("address", "body", "pointers"),
    [
        ("contacts", {**CONTACT, "kind": "email.opened"}, {"/kind"}),
        ("contacts", {"happened_on": "yesterday"}, {"/kind", "/happened_on"}),
        ("notices", {"given_on": "2026-05-04"}, {"/notice"}),
        ("notices", {**NOTICE, "given_on": "2090-01-01"}, {"/given_on"}),
    ],
)
def test_what_cannot_be_names_the_field_and_nothing_is_noted(
    house: House, address: str, body: dict[str, str], pointers: set[str]
) -> None:
    found = problem(house.ours.post(address, {"record": str(house.ada.pk), **body}), 422)
    assert {error["pointer"] for error in found["errors"]} == pointers
    with scope.enter(house.nordlys.id):
        assert not Contact.objects.exists()
        assert not NoticeGiven.objects.exists()


@pytest.mark.parametrize(("address", "body"), [("contacts", CONTACT), ("notices", NOTICE)])
def test_of_another_controller_nobody_is_found(
    house: House, address: str, body: dict[str, str]
) -> None:
    problem(house.theirs.post(address, {"record": str(house.ada.pk), **body}), 404)
