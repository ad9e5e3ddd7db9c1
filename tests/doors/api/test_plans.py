from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from apps.accounts.models import IdempotencyKey
from apps.audit import note
from apps.audit import selectors as ledger
from apps.connectors.models import Connection
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.erasure import hands
from apps.erasure import services as erasure
from apps.erasure.models import Plan
from tests.doors.api.conftest import House
from tests.doors.api.machine import machine, problem


def _propose(house: House, **headers: str) -> dict[str, Any]:
    response = house.ours.post("plans", **headers)
    assert response.status_code == 201, response.content
    (plan,) = json.loads(response.content)["results"]
    found: dict[str, Any] = plan
    return found


def test_a_machine_proposes_what_is_due_and_reads_it_back(house: House) -> None:
    plan = _propose(house)
    assert (plan["state"], plan["number"], plan["action"]) == ("proposed", 1, "anonymize")
    assert plan["progress"] == {"total": 4, "by_state": {"planned": 4}, "fraction": 0.0}
    assert json.loads(house.ours.get(f"plans/{plan['id']}").content) == plan
    (listed,) = json.loads(house.ours.get("plans?state=proposed").content)["results"]
    assert listed == {name: value for name, value in plan.items() if name != "progress"}


def test_nothing_new_due_is_no_plan_and_no_error(house: House) -> None:
    _propose(house)
    again = house.ours.post("plans")
    assert (again.status_code, json.loads(again.content)) == (200, {"results": []})


def test_proposing_twice_with_one_key_is_one_plan(house: House) -> None:
    first = house.ours.post("plans", Idempotency_Key="night-1")
    again = house.ours.post("plans", Idempotency_Key="night-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    with scope.enter(house.nordlys.id):
        assert Plan.objects.count() == 1
        assert IdempotencyKey.objects.count() == 1


def test_steps_name_records_and_outcomes_and_no_person(house: House) -> None:
    plan = _propose(house)
    response = house.ours.get(f"plans/{plan['id']}/steps?state=planned")
    rows = json.loads(response.content)["results"]
    assert {UUID(row["record"]) for row in rows} == set(house.records[:-1])
    assert rows[0]["outcome"] == {"clean": [], "residue": [], "confirmed": [], "unread": []}
    assert (rows[0]["rule"], rows[0]["due_on"]) == ("rejected", "2026-06-03")
    empty = house.ours.get(f"plans/{plan['id']}/steps?state=verified")
    assert json.loads(empty.content)["results"] == []


def test_a_machine_cannot_approve_whatever_its_scopes(house: House) -> None:
    plan = _propose(house)
    found = problem(house.ours.post(f"plans/{plan['id']}/approval"), 403)
    assert found["code"] == "person_needed"
    assert json.loads(house.ours.get(f"plans/{plan['id']}").content)["state"] == "proposed"


def test_what_a_person_decided_is_read_by_the_machine(house: House) -> None:
    plan = _propose(house)
    with scope.enter(house.nordlys.id):
        erasure.refuse(actor=house.nordlys.dpo_actor, plan_id=UUID(plan["id"]))
    shown = json.loads(house.ours.get(f"plans/{plan['id']}").content)
    assert (shown["state"], shown["decided_by"]) == ("refused", str(house.nordlys.dpo.pk))
    assert "@" not in json.dumps(shown)


def test_a_certificate_comes_with_the_end_of_the_plan(house: House) -> None:
    plan = _propose(house)
    found = problem(house.ours.get(f"plans/{plan['id']}/certificate"), 409)
    assert found["code"] == "plan_not_finished"


def test_a_finished_plan_is_certified_in_a_signed_note(house: House) -> None:
    plan = _propose(house)
    with scope.enter(house.nordlys.id):
        Connection.objects.update(grace_seconds=0)
        erasure.approve(actor=house.nordlys.dpo_actor, plan_id=UUID(plan["id"]))
        erasure.advance(actor=SYSTEM, connection_id=house.connection.pk)
        for step in hands.waiting():
            hands.give_up(actor=house.nordlys.recops_actor, step_id=step.pk)
        erasure.finish(actor=SYSTEM)
        log = ledger.log(house.nordlys.id)
    shown = json.loads(house.ours.get(f"plans/{plan['id']}/certificate").content)
    assert shown["plan"] == plan["id"]
    text = note.verify(shown["note"], [note.VerifierKey.parse(log.vkey)])
    said = json.loads(text.splitlines()[1])
    assert {UUID(step["record"]) for step in said["steps"]} == set(house.records[:-1])
    progress = json.loads(house.ours.get(f"plans/{plan['id']}").content)["progress"]
    assert progress == {"total": 4, "by_state": {"manual": 4}, "fraction": 1.0}


def test_mallory_sees_no_plan_of_nordlys(house: House) -> None:
    plan = _propose(house)
    assert json.loads(house.theirs.get("plans").content)["results"] == []
    for path in ("", "/steps", "/certificate"):
        nowhere = problem(house.theirs.get(f"plans/{uuid4()}{path}"), 404)
        assert problem(house.theirs.get(f"plans/{plan['id']}{path}"), 404) == nowhere
    refused = problem(house.theirs.post(f"plans/{plan['id']}/approval"), 404)
    assert refused == problem(house.theirs.post(f"plans/{uuid4()}/approval"), 404)
    (mine,) = json.loads(house.theirs.post("plans").content)["results"]
    assert mine["progress"]["total"] == 1
    assert [row["id"] for row in json.loads(house.ours.get("plans").content)["results"]] == [
        plan["id"]
    ]


def test_proposing_takes_no_values_and_needs_the_scope_to_write(house: House) -> None:
    found = problem(house.ours.post("plans", {"as_of": "2999-01-01"}), 422)
    assert [error["pointer"] for error in found["errors"]] == ["/as_of"]
    reader = machine(house.nordlys, ["plans:read"])
    assert problem(reader.post("plans"), 403)["code"] == "scope_missing"
    assert json.loads(house.ours.get("plans").content)["results"] == []
