"""What every view of /api/v1 shares: scope, language, limits, ETag, Idempotency-Key."""

from __future__ import annotations

import hashlib
import json
from codecs import decode
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import IO, Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import idempotency, throttle
from apps.accounts.idempotency import Made
from apps.accounts.models import ApiKey
from apps.api import language
from apps.api.problems import BadHeader, Throttled
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import Invalid

MAX_BODY = 64 * 1024


class Json(BaseParser):
    """JSON in UTF-8, without NaN and Infinity. Raises ParseError with the place as its cause."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return json.loads(decode(stream.read(), "utf-8"), parse_constant=_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError from error


def _constant(_name: str) -> None:
    raise ValueError("not JSON")


class ApiView(APIView):
    """Enters the scope of the key for the whole request, and leaves it whatever happens."""

    #: Method → the scope a key needs for it.
    scopes: ClassVar[Mapping[str, str]] = {}
    http_method_names = ["get", "head", "post"]
    parser_classes = (Json,)
    _placed: ExitStack
    _allowance: throttle.Allowance | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._placed, translation.override(language.of(request)):
            response = super().dispatch(request, *args, **kwargs)
            if isinstance(response, Response):
                # Rendered here, while scope and language still hold.
                response.render()
            self._describe(response)
            return _conditional(request, response)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if _length(request) > MAX_BODY:
            raise RequestDataTooBig
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if isinstance(request.auth, ApiKey):
            self._count(request.auth)
            self._placed.enter_context(scope.enter(request.auth.controller_id))

    @property
    def key(self) -> ApiKey:
        """The key of this request; permissions let nobody through without one."""
        key = self.request.auth
        assert isinstance(key, ApiKey)  # noqa: S101 - HasScope refused everything else
        return key

    @property
    def actor(self) -> Actor:
        return Actor("api_client", self.key.pk)

    def once(self, operation: str, effect: Callable[[], Made]) -> Made:
        """Run `effect`, once per Idempotency-Key when the caller sent one."""
        header = self.request.headers.get("Idempotency-Key")
        if header is None:
            return effect()
        try:
            idempotency.check(header)
        except Invalid as error:
            raise BadHeader("Idempotency-Key", error) from error
        payload = json.dumps(self.request.data, sort_keys=True).encode()
        return idempotency.once(
            client=self.key, key=header, operation=operation, payload=payload, effect=effect
        )

    def _count(self, key: ApiKey) -> None:
        self._allowance = throttle.take(key.pk)
        if not self._allowance.allowed:
            raise Throttled(wait=self._allowance.resets_in)

    def _describe(self, response: HttpResponseBase) -> None:
        headers = response.headers
        headers.setdefault("Content-Language", translation.get_language() or language.DEFAULT)
        headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, ("Accept-Language", "Authorization"))
        if self._allowance is not None:
            headers["RateLimit-Limit"] = str(self._allowance.limit)
            headers["RateLimit-Remaining"] = str(self._allowance.remaining)
            headers["RateLimit-Reset"] = str(self._allowance.resets_in)


def answer(data: Any, result: Made, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a POST, saying when it is a repetition."""
    replayed = {"Idempotency-Replayed": "true"} if result.replayed else {}
    return Response(data, status=result.status, headers={**(headers or {}), **replayed})


def _length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """ETag of what is answered, and 304 when the caller has it already (RFC 9110 §13)."""
    if request.method != "GET" or response.status_code != 200 or not isinstance(response, Response):
        return response
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
