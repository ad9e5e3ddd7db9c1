"""Requests and answers as plain values, and the vendor's shapes of refusal.

Every refusal is `{"message": …, "errors": […]}`; an item of `errors` is a text or
`{parameter: text}`: both appear in the vendor's own examples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .state import dumps

CURSOR_ALONE = "When passing a cursor, do not include other query params."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`query` and `form` hold the last value given for each name."""

    id: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Answer:
    """`hold` seconds pass before it leaves; `lost` never leaves; `cut` stops half-way."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    hold: float = 0.0
    lost: bool = False
    cut: bool = False
    effect: bool = False
    candidate_ids: tuple[int, ...] = ()


class Refusal(Exception):
    """An answer that is not 2xx, raised from wherever the vendor would notice."""

    def __init__(self, status: int, *errors: object, message: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.errors = list(errors)
        self.message = message or HTTPStatus(status).phrase
        self.headers: dict[str, str] = {}

    def answer(self) -> Answer:
        body = {"message": self.message, "errors": self.errors}
        return Answer(status=self.status, body=dumps(body).encode(), headers=self.headers)


class Unprocessable(Refusal):
    """422: the parameter and what is wrong with it, or one text."""

    def __init__(self, *errors: object) -> None:
        super().__init__(422, *errors, message="Unprocessable Content")


def found(value: Any, *, status: int = 200) -> Answer:
    return Answer(status=status, body=dumps(value).encode())


def done(value: Any, *candidate_ids: int) -> Answer:
    """The answer to a call which changed something about these candidates."""
    return Answer(body=dumps(value).encode(), effect=True, candidate_ids=candidate_ids)
