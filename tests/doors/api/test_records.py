from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import services as retention
from apps.subjects import services as subjects
from apps.subjects import shredding
from apps.subjects.models import Record
from tests import cast
from tests.doors.api.conftest import House
from tests.doors.api.machine import Machine, machine, problem


def _listed(known: Machine, query: str = "") -> list[dict[str, Any]]:
    response = known.get(f"records{query}")
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = json.loads(response.content)["results"]
    return found


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_records_are_listed_with_their_deadline(house: House) -> None:
    rows = _listed(house.ours)
    assert _ids(rows) == [str(record) for record in house.records]
    ada = rows[0]
    assert ada["subject"] == str(house.ada.subject_id)
    assert ada["connection"] == str(house.connection.pk)
    assert ada["deadline"] == {
        "outcome": "due",
        "due_on": "2026-06-03",
        "rule": "rejected",
        "label": "rejected application",
    }
    assert rows[-1]["deadline"]["outcome"] == "kept"
    assert rows[-1]["deadline"]["due_on"] is None


def test_lists_are_filtered_by_outcome_state_connection_and_subject(house: House) -> None:
    due, living = [str(record) for record in house.records[:-1]], str(house.in_process)
    assert _ids(_listed(house.ours, "?outcome=due")) == due
    assert _ids(_listed(house.ours, "?outcome=kept")) == [living]
    assert _ids(_listed(house.ours, "?outcome=held")) == []
    assert _ids(_listed(house.ours, f"?subject={house.ada.subject_id}")) == due[:1]
    assert _ids(_listed(house.ours, f"?connection={uuid4()}")) == []
    assert _ids(_listed(house.ours, f"?connection={house.connection.pk}")) == [*due, living]
    with scope.enter(house.nordlys.id):
        subjects.mark_gone(actor=SYSTEM, record_ids=[house.records[1]])
        retention.refresh(actor=SYSTEM)
    assert _ids(_listed(house.ours, "?state=gone")) == due[1:2]
    assert _ids(_listed(house.ours, "?state=present&outcome=due")) == [due[0], *due[2:]]


def test_what_changed_since_an_instant_is_listed_alone(house: House) -> None:
    before = _listed(house.ours, f"?subject={house.ada.subject_id}")[0]["updated_at"]
    since = quote(connection_now())
    assert _listed(house.ours, f"?updated_since={since}") == []
    with scope.enter(house.nordlys.id):
        subjects.mark_gone(actor=SYSTEM, record_ids=[house.ada.pk])
    (changed,) = _listed(house.ours, f"?updated_since={since}")
    assert changed["id"] == str(house.ada.pk)
    assert changed["updated_at"] > before
    for wrong in ("yesterday", "2026-01-31", "2026-01-31T08:00:00", "0001-01-01T00:00:00%2B10:00"):
        found = problem(house.ours.get(f"records?updated_since={wrong}"), 400)
        assert [error["parameter"] for error in found["errors"]] == ["updated_since"]


def connection_now() -> str:
    """The database's clock: a test's own transaction stands still in `now()`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.isoformat()


def test_pages_of_one_outcome_follow_each_other(house: House) -> None:
    found, url = [], "/api/v1/records?outcome=due&limit=3"
    while url:
        page = json.loads(house.ours.get(url.removeprefix("http://testserver")).content)
        found += _ids(page["results"])
        url = page["next"] or ""
    assert found == [str(record) for record in house.records[:-1]]


def test_a_record_explains_its_date_in_words_and_as_data(house: House) -> None:
    shown = json.loads(house.ours.get(f"records/{house.ada.pk}").content)
    deadline = shown["deadline"]
    assert (deadline["outcome"], deadline["due_on"]) == ("due", "2026-06-03")
    first = deadline["reasons"][0]
    assert (first["rule"], first["anchor"], first["duration"], first["ends_on"]) == (
        "rejected",
        "2026-03-02",
        "P3M",
        "2026-06-02",
    )
    assert first["sources"]
    assert deadline["sentence"]
    assert deadline["policy_number"] == 1


def test_a_held_record_says_so(house: House) -> None:
    with scope.enter(house.nordlys.id):
        retention.place_hold(
            actor=house.nordlys.dpo_actor,
            subject_id=house.ada.subject_id,
            reason="A claim before the labour court.",
            review_on=cast.ADA.updated_at.date().replace(year=2999),
        )
        retention.refresh(actor=SYSTEM)
    assert _ids(_listed(house.ours, "?outcome=held")) == [str(house.ada.pk)]
    shown = json.loads(house.ours.get(f"records/{house.ada.pk}").content)
    assert (shown["deadline"]["outcome"], shown["deadline"]["held"]) == ("held", True)
    assert "labour court" not in json.dumps(shown)


def test_an_erased_record_has_no_deadline(house: House) -> None:
    with scope.enter(house.nordlys.id):
        record = Record.objects.get(pk=house.ada.pk)
        shredding.bury(actor=SYSTEM, record_ids=[record.pk])
        shredding.entomb(actor=SYSTEM, record_ids=[record.pk])
        shredding.finish_shredding(actor=SYSTEM)
    shown = json.loads(house.ours.get(f"records/{house.ada.pk}").content)
    assert (shown["state"], shown["deadline"]) == ("erased", None)
    (listed,) = _listed(house.ours, "?state=erased")
    assert listed["deadline"] is None


@pytest.mark.parametrize("email", ["ada.quillfeather@example.org", "ADA.Quillfeather@Example.ORG"])
def test_a_person_is_found_by_e_mail_in_a_body(house: House, email: str) -> None:
    response = house.ours.post("records/search", {"email": email})
    assert _ids(json.loads(response.content)["results"]) == [str(house.ada.pk)]
    assert "quillfeather" not in response.content.decode().lower()


def test_an_address_that_is_none_is_named_and_not_repeated(house: House) -> None:
    response = house.ours.post("records/search", {"email": "Ada Quillfeather"})
    found = problem(response, 422)
    assert [error["pointer"] for error in found["errors"]] == ["/email"]
    assert "Quillfeather" not in response.content.decode()
    assert house.ours.get("records/search?email=a@example.org").status_code in {404, 405}


def test_no_answer_names_anybody(house: House) -> None:
    answers = [
        house.ours.get("records"),
        house.ours.get(f"records/{house.ada.pk}"),
        house.ours.post("records/search", {"email": cast.ADA.emails[0]}),
    ]
    said = " ".join(response.content.decode().lower() for response in answers)
    for trace in ("ada", "quillfeather", "tarnholt", "example.org", "4711", "9001", "6 39 98"):
        assert f'"{trace}' not in said
        assert f" {trace} " not in said
        assert "quillfeather" not in said


def test_mallory_sees_her_own_record_and_nothing_of_nordlys(house: House) -> None:
    assert _ids(_listed(house.theirs)) == [str(house.their_record)]
    for query in (
        f"?subject={house.ada.subject_id}",
        f"?connection={house.connection.pk}",
    ):
        assert _listed(house.theirs, query) == []
    nowhere = problem(house.theirs.get(f"records/{uuid4()}"), 404)
    assert problem(house.theirs.get(f"records/{house.ada.pk}"), 404) == nowhere
    search = {"email": cast.ADA.emails[0]}
    missing = house.theirs.post("records/search", {"email": "nobody@example.org"})
    assert house.theirs.post("records/search", search).content == missing.content
    assert str(house.their_record) not in _ids(_listed(house.ours))


def test_a_cursor_of_nordlys_shows_mallory_nothing_of_it(house: House) -> None:
    following = json.loads(house.ours.get("records?limit=2").content)["next"]
    page = json.loads(house.theirs.get(following.removeprefix("http://testserver")).content)
    assert {row["id"] for row in page["results"]} <= {str(house.their_record)}


def test_searching_needs_the_scope_to_read_records(house: House) -> None:
    writer = machine(house.nordlys, ["consents:write"])
    response = writer.post("records/search", {"email": cast.ADA.emails[0]})
    assert problem(response, 403)["code"] == "scope_missing"
