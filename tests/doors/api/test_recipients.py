"""Disclosures through the API: recorded once, sealed, and of one's own people only."""

from __future__ import annotations

import json

import pytest

from apps.core import scope
from apps.subjects import recipients
from apps.subjects.models import Disclosure, Recipient
from tests.doors.api.conftest import House
from tests.doors.api.machine import problem

REFERENCE = "BGC-20417"


@pytest.fixture
def vetting(house: House) -> Recipient:
    with scope.enter(house.nordlys.id):
        return recipients.add(
            actor=house.nordlys.dpo_actor, name="Vetting", channel="hand", address="Their portal"
        ).recipient


def _body(house: House, vetting: Recipient, **changes: str) -> dict[str, str]:
    return {
        "record": str(house.ada.pk),
        "recipient": str(vetting.pk),
        "reference": REFERENCE,
        "disclosed_on": "2026-05-04",
    } | changes


def test_a_disclosure_is_recorded_once_and_its_reference_never_told(
    house: House, vetting: Recipient
) -> None:
    once = {"Idempotency-Key": "once-and-for-all"}
    first = house.ours.post("disclosures", _body(house, vetting), **once)
    again = house.ours.post("disclosures", _body(house, vetting), **once)
    assert (first.status_code, again.status_code) == (201, 201)
    found = json.loads(first.content)
    assert found == json.loads(again.content)
    assert (found["state"], found["recipient"]) == ("recorded", str(vetting.pk))
    assert REFERENCE.encode() not in first.content
    listed = json.loads(house.ours.get("recipients").content)["results"]
    assert [one["name"] for one in listed] == ["Vetting"]
    assert "Their portal" not in json.dumps(listed)
    with scope.enter(house.nordlys.id):
        assert Disclosure.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reference": ""}, "/reference"),
        ({"disclosed_on": "2090-01-01"}, "/disclosed_on"),
        ({"recipient": "vetting"}, "/recipient"),
    ],
)
def test_what_cannot_be_names_the_field(
    house: House, vetting: Recipient, changes: dict[str, str], pointer: str
) -> None:
    found = problem(house.ours.post("disclosures", _body(house, vetting, **changes)), 422)
    assert {error["pointer"] for error in found["errors"]} == {pointer}


def test_another_controllers_people_and_recipients_are_nobody(
    house: House, vetting: Recipient
) -> None:
    problem(house.theirs.post("disclosures", _body(house, vetting)), 404)
    assert json.loads(house.theirs.get("recipients").content)["results"] == []
    with scope.enter(house.nordlys.id):
        assert not Disclosure.objects.exists()
