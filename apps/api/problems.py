"""Every error of this door as a problem (RFC 9457, `application/problem+json`).

    {"type": "urn:lethe:problem:<code>", "title": …, "status": 422, "detail": …, "code": …,
     "errors": [{"pointer": "/notice", "code": …, "detail": …}]}

`code` is stable English for machines; `title` and `detail` are in the language asked for.
An error names its place: `pointer` (RFC 6901) in the body, `parameter` in the query, `header`.
Nothing that was sent is repeated, and an unexpected failure says only that it happened: its
text may hold a person, so the log takes its type and its place, no message.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from apps.accounts.idempotency import Reused
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused, Unavailable
from apps.keys.services import KeyShredded

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:lethe:problem:"
#: Seconds a client should wait when something is missing for a moment.
RETRY_AFTER = 10

log = logging.getLogger("apps.api")

TITLES: Mapping[int, _StrOrPromise] = {
    400: _("The request cannot be read"),
    401: _("No valid API key"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    406: _("No such representation"),
    409: _("The state does not allow this"),
    413: _("Too large"),
    415: _("Unsupported media type"),
    422: _("The values are not valid"),
    429: _("Too many requests"),
    500: _("Unexpected error"),
    503: _("Not available at the moment"),
}
#: The first class that fits decides.
DOMAIN_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (Reused, 422),
    (Invalid, 422),
    (Refused, 403),
    (Missing, 404),
    (Conflict, 409),
    (KeyShredded, 409),
    (Unavailable, 503),
    (DomainError, 422),
)
#: Errors of Django and REST framework whose own words are not used: code and detail.
KNOWN: tuple[tuple[type[Exception], int, str, _StrOrPromise], ...] = (
    (Http404, 404, "not_found", _("There is nothing at this address.")),
    (exceptions.NotFound, 404, "not_found", _("There is nothing at this address.")),
    (
        exceptions.NotAuthenticated,
        401,
        "not_authenticated",
        _("Send your API key: Authorization: Bearer <key>."),
    ),
    (
        exceptions.NotAcceptable,
        406,
        "not_acceptable",
        _("This address cannot answer in the format of your Accept header. Ask for JSON."),
    ),
    (
        exceptions.UnsupportedMediaType,
        415,
        "unsupported_media_type",
        _("Send the body as application/json."),
    ),
    (
        RequestDataTooBig,
        413,
        "too_large",
        _("The body is too large. Send less at a time."),
    ),
    (UnreadablePostError, 400, "unreadable", _("The body did not arrive completely.")),
    (SuspiciousOperation, 400, "bad_request", _("The request is not well formed.")),
    (PermissionDenied, 403, "forbidden", _("This is not allowed.")),
    (OperationalError, 503, "database", _("The database does not answer. Try again shortly.")),
    (InterfaceError, 503, "database", _("The database does not answer. Try again shortly.")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that is wrong: `kind` is pointer, parameter or header."""

    kind: str
    name: str
    code: str
    detail: _StrOrPromise


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    detail: _StrOrPromise
    errors: Sequence[Place] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class Throttled(Exception):
    """The key made too many requests; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("throttled")
        self.wait = wait


class BadQuery(Exception):
    """Parameters of the URL are wrong; each place says how."""

    def __init__(self, errors: Sequence[Place]) -> None:
        super().__init__("invalid_query")
        self.errors = errors


class BadBody(Exception):
    """Fields of the body are wrong; each place says how."""

    def __init__(self, errors: Sequence[Place]) -> None:
        super().__init__("invalid_body")
        self.errors = errors


class BadHeader(Exception):
    """A header is wrong."""

    def __init__(self, name: str, error: DomainError) -> None:
        super().__init__("invalid_header")
        self.name = name
        self.error = error


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's exception handler: never None, so nothing else answers an error."""
    request = context.get("request")
    problem = of(error, method=getattr(request, "method", "") or "")
    header = getattr(error, "auth_header", None)
    return respond(problem, {"WWW-Authenticate": header} if header else {})


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """In the language that is active now."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.code,
        "title": str(TITLES.get(problem.status, HTTPStatus(problem.status).phrase)),
        "status": problem.status,
        "detail": str(problem.detail),
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = [
            {place.kind: place.name, "code": place.code, "detail": str(place.detail)}
            for place in problem.errors
        ]
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False), status=problem.status, content_type=CONTENT_TYPE
    )
    response["Content-Language"] = get_language() or "en"
    response["Cache-Control"] = "no-store"
    for name, value in {**problem.headers, **(headers or {})}.items():
        response[name] = value
    return response


def of(error: Exception, *, method: str = "") -> Problem:
    """The problem that tells of this error; unexpected ones are logged and told as 500."""
    if isinstance(error, DomainError):
        return _domain(error)
    if isinstance(error, BadQuery):
        detail = _("Some parameters of the URL are not valid: see errors.")
        return Problem(400, "invalid_query", detail, error.errors)
    if isinstance(error, BadBody):
        detail = _("Some fields of the body are not valid: see errors.")
        return Problem(422, "invalid_body", detail, error.errors)
    if isinstance(error, Throttled):
        detail = _("Too many requests with this key. Wait as long as Retry-After says.")
        return Problem(429, "throttled", detail, headers={"Retry-After": str(error.wait)})
    if isinstance(error, BadHeader):
        place = Place("header", error.name, error.error.code, error.error.message)
        return Problem(400, "invalid_header", error.error.message, [place])
    return _framework(error, method)


def _domain(error: DomainError) -> Problem:
    status = next(code for kind, code in DOMAIN_STATUS if isinstance(error, kind))
    errors = []
    if error.field:
        errors.append(Place("pointer", _pointer(error.field), error.code, error.message))
    headers = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
    return Problem(status, error.code, error.message, errors, headers)


def _pointer(field: str) -> str:
    """RFC 6901: `payload.candidate` is /payload/candidate; `body` is the whole."""
    return "" if field == "body" else "/" + field.replace(".", "/")


def _framework(error: Exception, method: str) -> Problem:
    if isinstance(error, exceptions.ParseError):
        return _parse(error)
    if isinstance(error, exceptions.MethodNotAllowed):
        words = _("This address does not take %(method)s.") % {"method": _method(method)}
        return Problem(405, "method_not_allowed", words)
    for kind, status, code, detail in KNOWN:
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
            return Problem(status, code, detail, headers=headers)
    if isinstance(error, (exceptions.AuthenticationFailed, exceptions.PermissionDenied)):
        return Problem(error.status_code, str(error.get_codes()), str(error.detail))
    return _unexpected(error)


def _method(method: str) -> str:
    """Only what HTTP defines: the client's own word is not repeated."""
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    return method if method in known else "?"


def _parse(error: Exception) -> Problem:
    """Where the JSON breaks, as line and column; nothing of what stands there."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, json.JSONDecodeError):
        place = {"line": cause.lineno, "column": cause.colno}
        detail = _("The body is not JSON: see line %(line)s, column %(column)s.") % place
        return Problem(400, "malformed_json", detail)
    return Problem(400, "malformed_json", _("The body is not JSON in UTF-8."))


def _unexpected(error: Exception) -> Problem:
    log.error("unexpected %s at %s", type(error).__name__, " < ".join(_places(error)))
    detail = _("Something failed on our side. It was recorded; nothing of it is shown here.")
    return Problem(500, "internal", detail)


def _places(error: BaseException) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    yield from (f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-8:]))
