"""The OpenAPI document is valid, fresh, and true: no call gets an answer it does not name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck
from pytest_django import Settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from schemathesis.core.result import Ok

from apps.accounts import services as accounts
from apps.api import schema
from tests.doors.api.conftest import House
from tests.doors.api.machine import anonymous, problem

WRITTEN = Path(django_settings.BASE_DIR) / "docs" / "reference" / "openapi.json"
#: Calls per operation; the whole stays within some seconds.
EXAMPLES = 10


@pytest.fixture
def kept_connections() -> Iterator[None]:
    """A WSGI call would end the test's transaction, as at the end of a real request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_the_document_is_valid_openapi_3_1_and_needs_no_key(db: None) -> None:
    response = anonymous().get("/api/v1/openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    found = json.loads(response.content)
    assert found["openapi"].startswith("3.1")
    validate_schema(found)  # type: ignore[no-untyped-call]  # untyped package


def test_the_document_is_in_english_whatever_is_asked_for(db: None) -> None:
    french = anonymous().get("/api/v1/openapi.json", headers={"Accept-Language": "fr"})
    assert french.content == schema.document()


def test_the_written_document_is_the_one_that_is_served(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.json"
    call_command(
        "spectacular",
        format="openapi-json",
        lang="en",
        file=str(fresh),
        validate=True,
        fail_on_warn=True,
    )
    assert fresh.read_bytes() == schema.document()
    assert WRITTEN.read_bytes().strip() == fresh.read_bytes().strip(), (
        "write it again: manage.py spectacular --format openapi-json --lang en "
        "--file docs/reference/openapi.json"
    )


def test_every_scope_has_an_address_and_every_address_a_scope() -> None:
    operations = [
        operation for item in schema.parsed()["paths"].values() for operation in item.values()
    ]
    assert all(operation["security"] == [{"apiKey": []}] for operation in operations)
    assert all({"401", "403", "404", "429", "503"} <= set(o["responses"]) for o in operations)


def test_no_field_of_any_answer_is_made_for_a_person() -> None:
    """Names, e-mails and phones are in no shape; `email` is only ever taken, in a body. A recipient
    is an organisation."""
    shapes = schema.parsed()["components"]["schemas"]
    said = {
        (name, field)
        for name, shape in shapes.items()
        for field in shape.get("properties", {})
        if any(word in field for word in ("name", "email", "phone", "remote"))
    }
    assert said == {("SearchBody", "email"), ("Recipient", "name")}


def test_the_document_tells_what_the_machines_words_may_be(house: House) -> None:
    """One key with every scope reaches every read without a 403."""
    assert set(house.ours.key.scopes) == set(accounts.SCOPES)
    for path, item in schema.parsed()["paths"].items():
        if "get" in item and "{" not in path:
            assert house.ours.get(path).status_code in {200, 404, 409}, path


def test_no_generated_call_gets_an_answer_the_document_does_not_name(
    house: House, settings: Settings, kept_connections: None
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    loaded = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    headers = {"Authorization": f"Bearer {house.ours.secret}"}
    called = []
    for found in loaded.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        called.append(operation.label)

        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def call(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(
                headers=headers,
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_headers_conformance,
                    response_schema_conformance,
                    unsupported_method,
                ],
            )

        call()
    assert len(called) == sum(len(item) for item in schema.parsed()["paths"].values())


@pytest.mark.parametrize("path", ["records", "consents", "plans", "ledger/entries"])
def test_without_a_key_nothing_is_told_at_all(db: None, path: str) -> None:
    assert problem(anonymous().get(f"/api/v1/{path}"), 401)["code"] == "not_authenticated"
