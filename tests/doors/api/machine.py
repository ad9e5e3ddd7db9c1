"""A machine that speaks to the API as an integrator's would: HTTP in, status and JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.core import scope
from apps.core.actors import SYSTEM
from tests.cast import Company

PROBLEM = "application/problem+json"


class Answer(Protocol):
    """What a test reads of a response."""

    status_code: int
    headers: Any
    content: bytes


@dataclass(frozen=True)
class Machine:
    key: ApiKey
    secret: str

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body={} if body is None else body, headers=headers)

    def call(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`body` is sent as it is when bytes; header names are written with underscores."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        known = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        return anonymous().generic(
            method,
            path if path.startswith("/") else f"/api/v1/{path}",
            data if body is not None else b"",
            content_type=known.pop("Content-Type", "application/json"),
            headers={"Authorization": f"Bearer {self.secret}", **known},
        )


def anonymous() -> Client:
    """No key, and exceptions answered as the server answers them."""
    return Client(raise_request_exception=False)


def machine(company: Company, scopes: Sequence[str] = accounts.SCOPES) -> Machine:
    with scope.enter(company.id):
        key, secret = accounts.issue_key(actor=SYSTEM, name="integration", scopes=scopes)
    return Machine(key, secret)


def problem(response: Answer, status: int) -> dict[str, Any]:
    """The problem of an answer, checked for the shape that every error has."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == PROBLEM
    found: dict[str, Any] = json.loads(response.content)
    assert found["status"] == status
    assert found["type"] == f"urn:lethe:problem:{found['code']}"
    assert found["title"]
    assert found["detail"]
    return found
