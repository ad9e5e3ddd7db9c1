"""The OpenAPI document: made from the views, completed with what all of them share.

A document is only useful while it is true, so every status this door can answer is in it. It
is in English whatever the installation speaks, and it is served without a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views import View
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from apps.accounts import idempotency
from apps.api.authentication import ApiKeyAuthentication
from apps.api.problems import CONTENT_TYPE

Operation = dict[str, Any]

_ALWAYS = {
    400: "The request cannot be read: parameters, headers or JSON.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key lacks the scope, or a rule does not allow this.",
    404: "There is no such thing for this key's controller.",
    406: "No representation fits the Accept header.",
    429: "Too many requests with this key.",
    500: "Unexpected; nothing of it is shown.",
    503: "A part is missing for a moment: stop, do not guess.",
}
_OF_POST = {
    409: "The state does not allow this, or the first request is in flight.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Values are not valid: `errors` points at each.",
}
#: Those that write: `ApiView.once` takes their Idempotency-Key.
REPEATABLE = frozenset({"consents_create", "consents_withdraw", "plans_propose"})
_TEXT = {"type": "string"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Issued by an operator (`manage.py issue_key`), with its scopes.",
        }


class DocumentView(View):
    """`/api/v1/openapi.json`."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(document(), content_type="application/json")


@cache
def document() -> bytes:
    """As `manage.py spectacular --format openapi-json --lang en` prints it."""
    with translation.override("en"):
        generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # untyped package
        made = generator.get_schema(None, public=True)  # type: ignore[no-untyped-call]  # untyped
    return bytes(OpenApiJsonRenderer().render(made, renderer_context={"indent": 4}))


def complete(result: dict[str, Any], generator: object, **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook: adds what every operation shares."""
    components = result["components"]
    components["schemas"]["Problem"] = _problem()
    words = {**_ALWAYS, **_OF_POST}
    components["responses"] = {_name(status): _answer(status, words[status]) for status in words}
    _close(result)
    for method, operation in _operations(result):
        responses = operation["responses"]
        for status in {**_ALWAYS, **(_OF_POST if method == "post" else {})}:
            responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
        if method == "get":
            _conditional(operation)
        elif operation["operationId"] in REPEATABLE:
            _repeatable(operation)
        operation["responses"] = dict(sorted(responses.items()))
    _drop(result, "x-spec-enum-id")
    return result


def _operations(result: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for item in result["paths"].values():
        yield from ((name, found) for name, found in item.items() if name in {"get", "post"})


def _name(status: int) -> str:
    return f"Problem{status}"


def _answer(status: int, words: str) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Problem"}
    headers = {
        401: {"WWW-Authenticate": _header("How to authenticate (RFC 6750).")},
        429: {"Retry-After": _header("Seconds to wait.", "integer")},
        503: {"Retry-After": _header("Seconds to wait.", "integer")},
    }.get(status)
    found: dict[str, Any] = {"description": words, "content": {CONTENT_TYPE: {"schema": problem}}}
    return {**found, "headers": headers} if headers else found


def _header(words: str, kind: str = "string") -> dict[str, Any]:
    return {"description": words, "schema": {"type": kind}}


def _conditional(operation: Operation) -> None:
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "An ETag received before: 304 when nothing changed.",
            "schema": _TEXT,
        }
    )
    operation["responses"]["304"] = {"description": "Nothing changed."}
    for status, response in operation["responses"].items():
        if status == "200":
            response["headers"] = {"ETag": _header("Of this representation (RFC 9110).")}


def _repeatable(operation: Operation) -> None:
    operation.setdefault("parameters", []).append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Your own name for this request, remembered for a day as a digest. "
            "The same key with the same body answers again and does nothing; with another body "
            "it is refused (422); while the first is in flight, 409.",
            "schema": {
                **_TEXT,
                "minLength": 1,
                "maxLength": idempotency.MAX_LENGTH,
                "pattern": "^[!-~]+$",
            },
        }
    )
    for status, response in operation["responses"].items():
        if status in {"200", "201"}:
            header = _header("`true` when this was done before, by an earlier request.")
            response.setdefault("headers", {})["Idempotency-Replayed"] = header


def _drop(node: Any, key: str) -> None:
    """Marks of the generator say nothing to a reader."""
    if isinstance(node, dict):
        node.pop(key, None)
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        _drop(item, key)


def _close(result: dict[str, Any]) -> None:
    """Bodies take no unknown field (fields.Strict), and the document says so."""
    schemas = result["components"]["schemas"]
    for _method, operation in _operations(result):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in schemas:
                schemas[name]["additionalProperties"] = False


def _problem() -> dict[str, Any]:
    place = {
        "type": "object",
        "description": "One thing that is wrong, and where.",
        "properties": {
            "pointer": {**_TEXT, "description": "JSON pointer into the body; empty: all of it."},
            "parameter": {**_TEXT, "description": "Name of a parameter of the URL."},
            "header": {**_TEXT, "description": "Name of a header."},
            "code": _TEXT,
            "detail": _TEXT,
        },
        "required": ["code", "detail"],
    }
    return {
        "type": "object",
        "description": "An error (RFC 9457). `code` is stable; `title` and `detail` are in the "
        "language of Accept-Language.",
        "properties": {
            "type": {**_TEXT, "format": "uri"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "code": _TEXT,
            "errors": {"type": "array", "items": place},
        },
        "required": ["type", "title", "status", "detail", "code"],
    }


def parsed() -> dict[str, Any]:
    """The document as a value."""
    found: dict[str, Any] = json.loads(document())
    return found
