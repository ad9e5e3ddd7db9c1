"""What only several connections can show: requests in flight, commits, one count for all."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts import idempotency
from apps.accounts.models import IdempotencyKey
from apps.consents.models import ConsentEvent
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company
from tests.doors.api.machine import Machine, machine, problem

GIVEN = {"purpose": "talent_pool", "notice": "2026-01", "effective_on": "2026-03-05"}


@dataclass(frozen=True)
class Office:
    """Nordlys with Ada alone."""

    nordlys: Company
    ours: Machine
    ada: UUID

    @property
    def body(self) -> dict[str, str]:
        return {"record": str(self.ada), **GIVEN}

    def events(self) -> int:
        with scope.enter(self.nordlys.id):
            return ConsentEvent.objects.count()


def _office() -> Office:
    nordlys = cast.company()
    with scope.enter(nordlys.id):
        account = cast.csv_connection()
        intake.take(actor=SYSTEM, connection_id=account.pk, candidates=[cast.ADA])
        return Office(nordlys, machine(nordlys), Record.objects.get().pk)


@pytest.fixture
def office(db: None) -> Office:
    return _office()


@pytest.fixture
def served(transactional_db: None, live_server: LiveServer) -> tuple[Office, str]:
    """The same behind a real server, each request with a connection of its own."""
    return _office(), f"{live_server.url}/api/v1"


def _headers(office: Office, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.ours.secret}", **more}


def test_a_repetition_while_the_first_is_in_flight_is_refused(office: Office) -> None:
    digest = idempotency._keyed(f"key/{office.ours.key.pk}", b"k-1")
    first = connection.copy()
    try:
        with first.cursor() as cursor:
            number = int.from_bytes(digest[:8], signed=True)
            cursor.execute("SELECT pg_advisory_lock(%s)", [number])
        refused = office.ours.post("consents", office.body, Idempotency_Key="k-1")
        assert problem(refused, 409)["code"] == "idempotency_in_flight"
        assert office.events() == 0
        other = office.ours.post("consents", office.body, Idempotency_Key="k-2")
        assert other.status_code == 201
    finally:
        first.close()
    assert office.ours.post("consents", office.body, Idempotency_Key="k-1").status_code == 201


def test_a_key_is_forgotten_after_its_day(office: Office) -> None:
    office.ours.post("consents", office.body, Idempotency_Key="k-1")
    with scope.enter(office.nordlys.id):
        IdempotencyKey.objects.update(expires_at=clock.now())
    again = office.ours.post("consents", office.body, Idempotency_Key="k-1")
    assert (again.status_code, json.loads(again.content)["state"]) == (201, "renewed")
    assert "Idempotency-Replayed" not in again.headers
    with scope.enter(office.nordlys.id):
        assert IdempotencyKey.objects.count() == 1


def test_many_repetitions_at_once_are_one_effect(served: tuple[Office, str]) -> None:
    office, url = served

    def post(_number: int) -> tuple[int, Any]:
        headers = _headers(office, **{"Idempotency-Key": "k-1"})
        response = httpx.post(f"{url}/consents", json=office.body, headers=headers, timeout=30)
        return response.status_code, response.json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    made = [body for status, body in answers if status == 201]
    assert {status for status, _body in answers} <= {201, 409}
    assert made
    assert all(body == made[0] for body in made)
    assert office.events() == 1


def test_all_requests_of_a_key_share_one_count(
    served: tuple[Office, str], settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 5
    office, url = served

    def get(_number: int) -> int:
        return httpx.get(f"{url}/consents", headers=_headers(office), timeout=30).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(get, range(12)))
    assert answers == [200] * 5 + [429] * 7
