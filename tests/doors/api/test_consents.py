from __future__ import annotations

import json
from uuid import UUID, uuid4

from apps.accounts.models import IdempotencyKey
from apps.consents.models import ConsentEvent
from apps.core import scope
from tests.doors.api.conftest import House
from tests.doors.api.machine import machine, problem

GIVEN = {"purpose": "talent_pool", "notice": "2026-01", "effective_on": "2026-03-05"}


def _give(house: House, **headers: str) -> dict[str, object]:
    response = house.ours.post("consents", {"record": str(house.ada.pk), **GIVEN}, **headers)
    assert response.status_code == 201, response.content
    found: dict[str, object] = json.loads(response.content)
    return found


def _events(house: House) -> int:
    with scope.enter(house.nordlys.id):
        return ConsentEvent.objects.count()


def test_a_consent_is_recorded_by_record_and_read_back_at_its_location(house: House) -> None:
    response = house.ours.post("consents", {"record": str(house.ada.pk), **GIVEN})
    made = json.loads(response.content)
    assert (response.status_code, made["state"], made["source"]) == (201, "given", "api")
    assert made["subject"] == str(house.ada.subject_id)
    read = house.ours.get(response.headers["Location"])
    assert json.loads(read.content) == made


def test_a_consent_raises_the_version_so_that_the_deadline_follows(house: House) -> None:
    before = house.ada.version
    _give(house)
    with scope.enter(house.nordlys.id):
        house.ada.refresh_from_db()
    assert house.ada.version == before + 1


def test_a_second_consent_renews_and_a_withdrawal_ends_it(house: House) -> None:
    _give(house)
    assert _give(house)["state"] == "renewed"
    body = {"subject": str(house.ada.subject_id), "purpose": "talent_pool"}
    response = house.ours.post("consents/withdrawals", body)
    assert (response.status_code, json.loads(response.content)["state"]) == (201, "withdrawn")
    problem(house.ours.post("consents/withdrawals", body), 409)


def test_a_history_lists_what_one_person_said_and_nothing_of_others(house: House) -> None:
    first, second = _give(house), _give(house)
    other = house.ours.post("consents", {"record": str(house.records[1]), **GIVEN})
    listed = json.loads(house.ours.get(f"consents?subject={house.ada.subject_id}").content)
    assert [row["id"] for row in listed["results"]] == [first["id"], second["id"]]
    by_record = json.loads(house.ours.get(f"consents?record={house.records[1]}").content)
    assert [row["id"] for row in by_record["results"]] == [json.loads(other.content)["id"]]
    renewed = json.loads(house.ours.get("consents?state=renewed").content)
    assert [row["id"] for row in renewed["results"]] == [second["id"]]


def test_every_wrong_field_is_named_and_nothing_is_written(house: House) -> None:
    body = {"record": "4711", "purpose": "marketing", "effective_on": "5 March", "notices": "x"}
    found = problem(house.ours.post("consents", body), 422)
    assert {error["pointer"] for error in found["errors"]} == {
        "/record",
        "/purpose",
        "/effective_on",
        "/notice",
        "/notices",
    }
    assert "marketing" not in json.dumps(found)
    assert _events(house) == 0


def test_exactly_one_of_subject_and_record_is_needed(house: House) -> None:
    both = {"record": str(house.ada.pk), "subject": str(house.ada.subject_id), **GIVEN}
    for body in (both, dict(GIVEN)):
        found = problem(house.ours.post("consents", body), 422)
        assert [error["code"] for error in found["errors"]] == ["subject_or_record"]


def test_a_rule_of_the_room_points_at_its_field(house: House) -> None:
    body = {"record": str(house.ada.pk), **GIVEN, "effective_on": "2999-01-01"}
    found = problem(house.ours.post("consents", body), 422)
    assert [(e["pointer"], e["code"]) for e in found["errors"]] == [("/effective_on", "future")]


def test_a_repeated_key_answers_again_and_does_nothing(house: House) -> None:
    body = {"record": str(house.ada.pk), **GIVEN}
    first = house.ours.post("consents", body, Idempotency_Key="k-1")
    again = house.ours.post("consents", body, Idempotency_Key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _events(house) == 1


def test_a_key_with_another_body_or_another_address_is_refused(house: House) -> None:
    _give(house, Idempotency_Key="k-1")
    other = {"record": str(house.records[1]), **GIVEN}
    found = problem(house.ours.post("consents", other, Idempotency_Key="k-1"), 422)
    assert found["code"] == "idempotency_key_reused"
    body = {"record": str(house.ada.pk), "purpose": "talent_pool"}
    elsewhere = house.ours.post("consents/withdrawals", body, Idempotency_Key="k-1")
    assert problem(elsewhere, 422)["code"] == "idempotency_key_reused"
    assert _events(house) == 1


def test_a_request_that_failed_may_be_repeated_with_its_key(house: House) -> None:
    body = {"record": str(house.ada.pk), "purpose": "talent_pool"}
    problem(house.ours.post("consents/withdrawals", body, Idempotency_Key="k-2"), 409)
    _give(house)
    done = house.ours.post("consents/withdrawals", body, Idempotency_Key="k-2")
    assert done.status_code == 201


def test_keys_of_two_machines_do_not_meet(house: House) -> None:
    _give(house, Idempotency_Key="same")
    body = {"record": str(house.their_record), **GIVEN}
    theirs = house.theirs.post("consents", body, Idempotency_Key="same")
    assert theirs.status_code == 201
    assert "Idempotency-Replayed" not in theirs.headers


def test_a_key_is_kept_only_as_a_digest(house: House) -> None:
    name = "ada.quillfeather@example.org"
    _give(house, Idempotency_Key=name)
    with scope.enter(house.nordlys.id):
        row = IdempotencyKey.objects.get()
    assert name not in repr(vars(row))
    assert name.encode() not in bytes(row.digest) + bytes(row.fingerprint)


def test_a_malformed_key_is_named_as_a_header(house: House) -> None:
    body = {"record": str(house.ada.pk), **GIVEN}
    for bad in ("", "with space", "x" * 256, "é"):
        found = problem(house.ours.post("consents", body, Idempotency_Key=bad), 400)
        assert [error["header"] for error in found["errors"]] == ["Idempotency-Key"]
    assert _events(house) == 0


def test_mallory_sees_and_changes_nothing_of_nordlys(house: House) -> None:
    made = _give(house)
    nowhere = problem(house.theirs.get(f"consents/{uuid4()}"), 404)
    assert problem(house.theirs.get(f"consents/{made['id']}"), 404) == nowhere
    listed = json.loads(house.theirs.get("consents").content)
    assert listed == {"next": None, "previous": None, "results": []}
    for person in ({"record": str(house.ada.pk)}, {"subject": str(house.ada.subject_id)}):
        stranger = {name: str(uuid4()) for name in person}
        refused = problem(house.theirs.post("consents", {**person, **GIVEN}), 404)
        assert refused == problem(house.theirs.post("consents", {**stranger, **GIVEN}), 404)
    assert _events(house) == 1
    visible = json.loads(house.ours.get("consents").content)["results"]
    assert [UUID(row["id"]) for row in visible] == [UUID(str(made["id"]))]


def test_reading_does_not_allow_writing(house: House) -> None:
    reader = machine(house.nordlys, ["consents:read"])
    assert reader.get("consents").status_code == 200
    found = problem(reader.post("consents", {"record": str(house.ada.pk), **GIVEN}), 403)
    assert found["code"] == "scope_missing"
    assert "consents:write" in found["detail"]
    assert _events(house) == 0
