"""Every error is a problem, in the language asked for, and repeats nothing that was sent."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.test.client import RequestFactory
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts import throttle
from apps.api import language
from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.core.actors import SYSTEM
from tests.doors.api.conftest import House
from tests.doors.api.machine import Machine, anonymous, machine, problem


def test_without_a_key_the_answer_says_how_to_send_one(db: None) -> None:
    response = anonymous().get("/api/v1/consents")
    assert problem(response, 401)["code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="lethe"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer lk_00000000_" + "a" * 43,
        "Basic bGV0aGU6bGV0aGU=",
        "Bearer lk_\x00",
        "Bearer lk_00000000_é",
    ],
)
def test_a_wrong_key_gets_the_same_words_whatever_is_wrong(db: None, header: str) -> None:
    response = anonymous().get("/api/v1/consents", headers={"Authorization": header})
    found = problem(response, 401)
    assert (found["code"], found["detail"]) == (
        "key_refused",
        "This API key is unknown, expired or revoked.",
    )
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_expired_and_revoked_keys_open_nothing(house: House) -> None:
    with scope.enter(house.nordlys.id):
        key, secret = accounts.issue_key(
            actor=SYSTEM, name="old", scopes=["consents:read"], lifetime=timedelta(seconds=-1)
        )
        accounts.revoke_key(actor=SYSTEM, key_id=house.ours.key.pk)
    for known in (Machine(key, secret), house.ours):
        assert problem(known.get("consents"), 401)["code"] == "key_refused"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/records", "/webhooks/x"])
def test_an_unknown_address_of_the_machines_is_a_problem(db: None, path: str) -> None:
    assert problem(anonymous().get(path), 404)["code"] == "not_found"
    assert problem(anonymous().post(path), 404)["code"] == "not_found"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_is_not_offered_is_refused_with_those_that_are(
    house: House, method: str
) -> None:
    response = house.ours.call(method, "consents")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert "BREW" not in response.content.decode()


def test_what_cannot_be_answered_in_the_asked_format_says_so(house: House) -> None:
    found = problem(house.ours.get("consents", Accept="text/html"), 406)
    assert found["code"] == "not_acceptable"


def test_only_json_is_taken(house: House) -> None:
    response = house.ours.call(
        "POST", "consents", body=b"a=1", headers={"Content-Type": "text/plain"}
    )
    assert problem(response, 415)["code"] == "unsupported_media_type"


def test_broken_json_is_named_by_line_and_column(house: House) -> None:
    body = b'{"record": "4711",\n "notice" "Ada Quillfeather"}'
    found = problem(house.ours.call("POST", "consents", body=body), 400)
    assert (found["code"], found["detail"]) == (
        "malformed_json",
        "The body is not JSON: see line 2, column 11.",
    )


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[" * 20_000, b'{"a": NaN}', b"9" * 5_000, b'{"a": "\\ud800"}']
)
def test_what_no_parser_should_take_is_refused(house: House, body: bytes) -> None:
    response = house.ours.call("POST", "consents", body=body)
    assert response.status_code in {400, 422}
    problem(response, response.status_code)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
def test_a_body_that_is_no_object_points_at_the_whole(house: House, body: bytes) -> None:
    found = problem(house.ours.call("POST", "consents", body=body), 422)
    assert [error["pointer"] for error in found["errors"]] == [""]


def test_a_body_of_megabytes_is_refused_before_it_is_read(house: House) -> None:
    response = house.ours.call("POST", "consents", body=b" " * 70_000)
    assert problem(response, 413)["code"] == "too_large"


def test_wrong_parameters_are_named_and_unknown_ones_are_not_ignored(house: House) -> None:
    query = "limit=0&state=Ada&subject=1&cursor=zz&statte=given"
    found = problem(house.ours.get(f"consents?{query}"), 400)
    assert {error["parameter"] for error in found["errors"]} == {
        "limit",
        "state",
        "subject",
        "cursor",
        "statte",
    }
    assert "Ada" not in json.dumps(found)


def test_a_field_named_after_a_person_is_not_repeated(house: House) -> None:
    body = {"ada.quillfeather@example.org": 1, "Ada Quillfeather": 2}
    response = house.ours.post("consents", body)
    assert problem(response, 422)["errors"]
    assert "uillfeather" not in response.content.decode()


def test_details_are_in_the_language_asked_for_and_codes_are_not(house: House) -> None:
    french = house.ours.get("consents?limit=x", Accept_Language="fr-BE,fr;q=0.9,en;q=0.5")
    english = house.ours.get("consents?limit=x", Accept_Language="en-GB")
    silent = house.ours.get("consents?limit=x")
    assert french.headers["Content-Language"] == "fr"
    assert english.headers["Content-Language"] == silent.headers["Content-Language"] == "en"
    assert problem(silent, 400) == problem(english, 400)
    told, said = problem(french, 400), problem(english, 400)
    assert told["code"] == said["code"] == "invalid_query"
    assert told["detail"] != said["detail"]
    assert told["title"] != said["title"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "en"),
        ("de, fr;q=0.1", "fr"),
        ("FR-ca", "fr"),
        ("\x00", "en"),
    ],
)
def test_the_language_is_what_the_header_asks_for_else_english(asked: str, given: str) -> None:
    request = RequestFactory().get("/", headers={"Accept-Language": asked})
    assert language.of(request) == given


def test_an_unexpected_failure_tells_nothing_and_logs_no_message(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("Ada Quillfeather lives at 12 rue Inventée")

    monkeypatch.setattr(ConsentEvent.objects, "all", broken)
    with caplog.at_level(logging.DEBUG):
        response = house.ours.get("consents")
    assert problem(response, 500)["code"] == "internal"
    assert "Quillfeather" not in response.content.decode() + caplog.text
    assert "unexpected RuntimeError" in caplog.text


def test_a_database_that_does_not_answer_is_a_503_to_come_back_from(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(ConsentEvent.objects, "all", gone)
    response = house.ours.get("consents")
    assert problem(response, 503)["code"] == "database"
    assert response.headers["Retry-After"]


def test_requests_of_a_key_are_counted_and_the_next_one_waits(
    house: House, settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    first, second = house.ours.get("consents"), house.ours.get("consents")
    assert [r.headers["RateLimit-Remaining"] for r in (first, second)] == ["1", "0"]
    refused = house.ours.get("consents")
    assert problem(refused, 429)["code"] == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= throttle.WINDOW_SECONDS
    assert house.theirs.get("consents").status_code == 200


def test_a_limiter_that_cannot_count_serves_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_TAKE", "SELECT no_such_thing")
    response = house.ours.get("consents")
    assert problem(response, 503)["code"] == "limiter"


def test_an_etag_saves_sending_the_same_again(house: House) -> None:
    first = house.ours.get("consents")
    again = house.ours.get("consents", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    house.ours.post(
        "consents", {"record": str(house.ada.pk), "purpose": "talent_pool", "notice": "1"}
    )
    changed = house.ours.get("consents", If_None_Match=first.headers["ETag"])
    assert changed.status_code == 200


def test_pages_follow_by_whole_urls_both_ways_without_gap_or_repetition(house: House) -> None:
    for record in house.records:
        house.ours.post(
            "consents", {"record": str(record), "purpose": "talent_pool", "notice": "1"}
        )
    everything = json.loads(house.ours.get("consents").content)["results"]
    pages, url = [], "http://testserver/api/v1/consents?limit=2&purpose=talent_pool"
    while url:
        pages.append(json.loads(house.ours.get(url.removeprefix("http://testserver")).content))
        url = pages[-1]["next"]
    assert [row for page in pages for row in page["results"]] == everything
    assert pages[0]["previous"] is None
    assert "purpose=talent_pool" in pages[0]["next"]
    back = house.ours.get(pages[-1]["previous"].removeprefix("http://testserver"))
    assert json.loads(back.content)["results"] == pages[-2]["results"]


def test_answers_are_kept_by_no_shared_cache(house: House) -> None:
    response = house.ours.get("consents")
    assert "private" in response.headers["Cache-Control"]
    assert {"Authorization", "Accept-Language"} <= set(response.headers["Vary"].split(", "))


def test_no_session_or_cookie_opens_the_api(house: House) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(house.nordlys.dpo, backend="django.contrib.auth.backends.ModelBackend")
    assert problem(client.get("/api/v1/consents"), 401)["code"] == "not_authenticated"


def test_a_key_without_scopes_for_a_view_is_told_which(house: House) -> None:
    found = problem(machine(house.nordlys, ["ledger:read"]).get("consents"), 403)
    assert "consents:read" in found["detail"]
