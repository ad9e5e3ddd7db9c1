"""The fake's lists, over real HTTP: token, scopes, pages, filters, limits, shapes of refusal."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from apps.connectors.fakes.greenhouse import start
from apps.connectors.fakes.greenhouse.catalogue import ALL_SCOPES
from apps.connectors.fakes.greenhouse.people import person
from tests.connectors.greenhouse_caller import Caller, calling, config

BASE = 40_000_000


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with start(config(tmp_path, candidates=120)) as fake, calling(fake) as caller:
        yield caller


def test_a_wrong_secret_gets_no_token_and_the_vendors_shape_of_refusal(caller: Caller) -> None:
    answer = httpx.post(caller.fake.token_url, auth=("client", "guess"), data={"sub": "1"})
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized"
    assert len(answer.json()["errors"]) == 1


@pytest.mark.parametrize("form", [{"grant_type": "password"}, {"sub": ""}, {"sub": "me"}])
def test_a_token_needs_the_right_grant_and_a_user(caller: Caller, form: dict[str, str]) -> None:
    assert caller.token(**form).status_code == 400


def test_a_call_without_a_valid_token_is_refused(caller: Caller) -> None:
    for header in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic Og=="}):
        answer = httpx.get(f"{caller.fake.url}/v3/candidates", headers=header)
        assert answer.status_code == 401


def test_a_token_expires(tmp_path: Path) -> None:
    with start(config(tmp_path, token_seconds=0)) as fake, calling(fake) as caller:
        answer = caller.get("candidates")
    assert answer.status_code == 401
    assert answer.json()["errors"] == ["Access token has expired."]


def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    scopes = ALL_SCOPES - {"harvest:notes:list"}
    with start(config(tmp_path, scopes=scopes)) as fake, calling(fake) as caller:
        assert caller.get("candidates").status_code == 200
        answer = caller.get("notes")
    assert answer.status_code == 403
    assert "harvest:notes:list" in answer.json()["errors"][0]


def test_every_page_once_in_descending_order_of_ids(caller: Caller) -> None:
    seen: list[int] = []
    url: str | None = f"{caller.fake.url}/v3/candidates?per_page=50"
    pages = 0
    while url:
        answer = caller.client.get(url)
        seen += [row["id"] for row in answer.json()]
        url, pages = answer.links.get("next", {}).get("url"), pages + 1
    assert pages == 3
    assert seen == [BASE + index for index in reversed(range(120))]


def test_a_page_has_a_hundred_rows_unless_asked_otherwise(caller: Caller) -> None:
    assert len(caller.rows("candidates")) == 100


def test_a_row_added_meanwhile_does_not_shift_the_next_page(caller: Caller) -> None:
    first = caller.get("candidates", per_page=60)
    caller.control("POST", "candidates", {"candidate": {"first_name": "New"}})
    second = caller.client.get(first.links["next"]["url"])
    ids = [row["id"] for row in first.json() + second.json()]
    assert ids == [BASE + index for index in reversed(range(120))]


def test_a_cursor_goes_alone(caller: Caller) -> None:
    url = caller.get("candidates", per_page=10).links["next"]["url"]
    answer = caller.client.get(url + "&per_page=10")
    assert answer.status_code == 422
    assert answer.json()["errors"] == ["When passing a cursor, do not include other query params."]


def test_a_cursor_keeps_the_filters_of_the_first_question(caller: Caller) -> None:
    tagged = {row["id"] for row in caller.rows("candidates", tag="vivier")}
    answer = caller.get("candidates", tag="vivier", per_page=1)
    seen = [answer.json()[0]["id"]]
    while "next" in answer.links:
        answer = caller.client.get(answer.links["next"]["url"])
        seen.append(answer.json()[0]["id"])
    assert set(seen) == tagged
    assert len(seen) == len(tagged) > 3


def test_a_cursor_of_another_list_or_a_changed_one_is_invalid(caller: Caller) -> None:
    cursor = caller.get("candidates", per_page=1).links["next"]["url"].partition("cursor=")[2]
    flipped = ("A" if cursor[-5] != "A" else "B").join((cursor[:-5], cursor[-4:]))
    assert caller.get("notes", cursor=cursor).status_code == 422
    assert caller.get("candidates", cursor=flipped).status_code == 422
    assert caller.get("candidates", cursor="é").status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "501"},
        {"per_page": "0"},
        {"per_page": "many"},
        {"ids": ",".join(str(number) for number in range(51))},
        {"ids": "one"},
        {"updated_at": "since|2026-01-01T00:00:00Z"},
        {"updated_at": "gte|yesterday"},
        {"updated_at": "2026-01-01T00:00:00Z"},
        {"updated_at": "gte|2026-01-01T00:00:00Z", "created_at": "gte|2026-01-01T00:00:00Z"},
        {"candidate_ids": "1"},
        {"invented": "1"},
    ],
)
def test_a_wrong_parameter_is_unprocessable(caller: Caller, query: dict[str, str]) -> None:
    answer = caller.get("candidates", **query)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Unprocessable Content"
    assert answer.json()["errors"]


def test_ids_select_and_unknown_ones_are_simply_absent(caller: Caller) -> None:
    rows = caller.rows("candidates", ids=f"{BASE + 3},{BASE + 1},7")
    assert [row["id"] for row in rows] == [BASE + 3, BASE + 1]


def test_a_window_of_updates_is_closed_on_both_sides(caller: Caller) -> None:
    every = {row["id"]: row["updated_at"] for row in caller.rows("candidates", per_page=500)}
    low, high = sorted(every.values())[20], sorted(every.values())[60]
    rows = caller.rows("candidates", updated_at=f"gte|{low}|lte|{high}", per_page=500)
    wanted = {id_ for id_, instant in every.items() if low <= instant <= high}
    assert {row["id"] for row in rows} == wanted
    assert len(wanted) >= 41


def test_an_email_is_found_in_any_case(caller: Caller) -> None:
    who = person(1, 17)
    rows = caller.rows("candidates", email=who.emails[0].upper())
    assert [row["id"] for row in rows] == [BASE + 17]
    assert caller.rows("candidates", email="nobody@example.org") == []


def test_active_in_the_filter_is_in_process_in_the_rows(caller: Caller) -> None:
    statuses = Counter(row["status"] for row in caller.rows("applications", per_page=500))
    found = caller.rows("applications", status="active", per_page=500)
    assert {row["status"] for row in found} == {"in_process"}
    assert len(found) == statuses["in_process"]
    assert caller.get("applications", status="in_process").status_code == 422


def test_children_are_asked_for_by_candidate_or_by_application(caller: Caller) -> None:
    applications = caller.rows("applications", candidate_ids=BASE + 1)
    assert {row["candidate_id"] for row in applications} == {BASE + 1}
    ids = ",".join(str(row["id"]) for row in applications)
    attached = caller.rows("attachments", candidate_ids=BASE + 1)
    assert attached
    assert attached == [
        {**row, "url": attached[at]["url"]}
        for at, row in enumerate(caller.rows("attachments", application_ids=ids))
    ]
    assert caller.get("scorecards", candidate_ids="1").status_code == 422


def test_the_fields_of_the_documented_objects_are_there_and_no_other(caller: Caller) -> None:
    candidate = caller.rows("candidates", per_page=1)[0]
    assert set(candidate) == {
        *("id", "created_at", "updated_at", "first_name", "last_name", "preferred_name"),
        *("company", "title", "last_activity_at", "private", "can_email", "time_zone", "tags"),
        *("linked_user_ids", "phone_numbers", "addresses", "email_addresses"),
        *("website_addresses", "social_media_addresses", "custom_fields"),
    }
    application = caller.rows("applications", per_page=1)[0]
    assert set(application) == {
        *("id", "created_at", "updated_at", "agency_note_id", "candidate_id", "coordinator_id"),
        *("job_id", "job_post_id", "recruiter_id", "referrer_id", "source_id", "stage_id"),
        *("stage_name", "status", "needs_decision", "prospect", "rejected_at"),
        *("last_activity_at", "location_address", "answers", "prospective_job_ids"),
        "custom_fields",
    }
    assert set(caller.rows("attachments", per_page=1)[0]) == {
        *("id", "created_at", "updated_at", "application_id", "candidate_id", "type"),
        *("filename", "url"),
    }


def test_only_the_asked_fields_are_given(caller: Caller) -> None:
    rows = caller.rows("candidates", ids=BASE, fields="id,last_name")
    assert rows == [{"id": BASE, "last_name": person(1, 0).surname}]


def test_text_is_escaped_to_ascii(caller: Caller) -> None:
    assert caller.get("candidates").content.isascii()


def test_there_is_no_single_candidate_to_read(caller: Caller) -> None:
    answer = caller.get(f"candidates/{BASE}")
    assert answer.status_code == 404
    assert answer.json() == {"message": "Not Found", "errors": ["No such route."]}
    assert caller.get("educations").status_code == 404


def test_a_file_is_read_by_its_signed_address_and_no_other(caller: Caller) -> None:
    url = caller.rows("attachments", candidate_ids=BASE + 1)[0]["url"]
    assert person(1, 1).full_name in httpx.get(url).text
    assert httpx.get(url.replace("expires=1", "expires=2")).status_code == 403


def test_a_signed_address_expires(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=5, file_seconds=1)) as fake, calling(fake) as caller:
        url = caller.rows("attachments", candidate_ids=BASE + 1)[0]["url"]
        time.sleep(1.1)
        answer = httpx.get(url)
    assert answer.status_code == 403
    assert "expired" in answer.text


def test_every_answer_carries_its_own_request_id(caller: Caller) -> None:
    answers = [caller.get("candidates"), caller.get("nowhere"), caller.token()]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 3


def test_no_window_ever_answers_more_than_the_limit(tmp_path: Path) -> None:
    with start(config(tmp_path, limit=7, window=1)) as fake, calling(fake) as caller:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: caller.get("users"), range(60)))
        stats = caller.control("GET", "stats")
    assert stats["max_answered"] == 7
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 429}
    assert statuses[429] == stats["refused"]


def test_a_refused_call_says_when_to_come_back(tmp_path: Path) -> None:
    with start(config(tmp_path, limit=1, window=2)) as fake, calling(fake) as caller:
        answers = [caller.get("users") for _ in range(3)]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.headers["X-RateLimit-Limit"] == "1"
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert 1 <= int(refused.headers["Retry-After"]) <= 2
        assert int(refused.headers["X-RateLimit-Reset"]) % 2 == 0
        time.sleep(int(refused.headers["Retry-After"]))
        assert caller.get("users").status_code == 200


def test_the_journal_holds_ids_and_no_addresses(caller: Caller) -> None:
    caller.get("candidates", email=person(1, 2).emails[0])
    caller.get("candidates", ids=f"{BASE + 1},{BASE + 2}")
    by_email, by_ids = caller.control("GET", "journal")[-2:]
    assert by_email["query"] == {"email": "…"}
    assert by_ids["candidate_ids"] == [BASE + 1, BASE + 2]
    assert (by_ids["method"], by_ids["path"], by_ids["status"], by_ids["effect"]) == (
        "GET",
        "/v3/candidates",
        200,
        False,
    )
