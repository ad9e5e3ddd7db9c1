"""The client all adapters share: who may be called, how long, how often, and what is kept quiet.

Principles.
1. Nothing is sent to a host nobody allowed, and nothing without a token of the limiter.
2. A read may be repeated. A call with an effect may not: once a byte of it may have left and
   no answer came back (a time-out, a cut connection, a 5xx), nobody here knows whether the
   effect took place, so the error is `outcome_unknown` and the caller reads before any second
   call. Only 429, which the vendor answers *instead of* acting, is tried again.
3. Redirects are not followed: the next host would get the token.
4. No URL, header or body reaches a log or an exception: each may hold a person or a secret.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
import stamina
from django.conf import settings

from apps.connectors import deadline
from apps.connectors.errors import OUTCOME_UNKNOWN, ConnectorError

__all__ = ["Answer", "Client", "ConnectorError", "Meter", "Target", "check_host"]

logger = logging.getLogger(__name__)

#: Seconds. A vendor's list of 500 rows may take a while; a dead host should not.
TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=10.0)
ATTEMPTS = 6
#: Seconds spent on retries of one call, waiting for the limiter not counted.
PATIENCE = 90.0
MAX_BYTES = 64 * 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_RETRIED = frozenset({"unreachable", "timed_out", "vendor_error", "rate_limited"})
_CODES = {400: "rejected", 401: "unauthorized", 403: "forbidden", 404: "not_found"}

# httpx writes every URL, query included, at INFO. Settings silence it; this does too.
logging.getLogger("httpx").addFilter(lambda _record: False)


class Meter(Protocol):
    """The limiter as the client sees it."""

    def take(self) -> object:
        """Wait for permission to send one request. Raises Unavailable or ConnectorError."""
        ...

    def learn(self, ticket: Any, headers: Mapping[str, str] | None, status: int | None, /) -> None:
        """Tell what came back (None: no answer at all)."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any
    request_id: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes. `authorization` is the whole header's value; never logged."""

    method: str
    url: str
    authorization: str = field(repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """Sends what one connection asks, under its meter."""

    meter: Meter
    wait_initial: float = 0.2

    def read(self, target: Target) -> Answer:
        """An idempotent call, repeated with growing pauses while that can help."""
        for attempt in stamina.retry_context(
            on=_worth_a_retry,
            attempts=ATTEMPTS,
            timeout=PATIENCE,
            wait_initial=self.wait_initial,
            wait_max=10.0,
            wait_jitter=self.wait_initial,
        ):
            with attempt:
                return self._send(target, effect=False)
        raise AssertionError("stamina returns or raises")

    def effect(self, target: Target) -> Answer:
        """A call with an effect: sent once, and once more only when a 429 refused the first.

        Raises ConnectorError(outcome_unknown) when it may have taken place.
        """
        try:
            return self._send(target, effect=True)
        except ConnectorError as error:
            if error.status != 429:
                raise
        return self._send(target, effect=True)

    def _send(self, target: Target, *, effect: bool) -> Answer:
        check_host(target.url)
        ticket = self.meter.take()
        if effect and deadline.passed():
            self.meter.learn(ticket, None, None)
            raise ConnectorError("rate_limited")  # waited too long, and was never sent
        started = time.monotonic()
        raw: _Raw | None = None
        try:
            raw = _exchange(target)
        except httpx.HTTPError as error:
            raise ConnectorError(_transport_code(error, effect=effect)) from None
        finally:
            headers, status = (None, None) if raw is None else (raw.headers, raw.status)
            self.meter.learn(ticket, headers, status)
            _note(target, status, time.monotonic() - started)
        return _understood(raw, effect=effect)


def check_host(url: str) -> None:
    """Raises ConnectorError(host_refused) unless LETHE_ATS_HOSTS names the host.

    Plain http only to loopback: a token on an open wire is a leaked token.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not secure or host not in settings.ATS_HOSTS or parts.username or parts.password:
        raise ConnectorError("host_refused")


def _worth_a_retry(error: Exception) -> bool | float:
    if not isinstance(error, ConnectorError) or error.code not in _RETRIED:
        return False
    return True if error.retry_after is None else error.retry_after


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool


def _exchange(target: Target) -> _Raw:
    with _pool(os.getpid()).stream(
        target.method,
        target.url,
        params=target.params,
        json=target.json,
        data=target.form,
        headers={"Authorization": target.authorization, "Accept": "application/json"},
    ) as response:
        content = b""
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_BYTES:
                return _Raw(response.status_code, response.headers, b"", whole=False)
        return _Raw(response.status_code, response.headers, content, whole=True)


@lru_cache(maxsize=1)
def _pool(_pid: int) -> httpx.Client:
    """One pool a process; keyed by pid, because sockets must not be shared after a fork.

    `trust_env=False`: neither a proxy nor a .netrc of the environment sees the token.
    """
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
        headers={"User-Agent": "lethe"},
    )


@atexit.register
def close_pool() -> None:
    """Close what this process keeps open to the ATSs; the next call opens anew."""
    if _pool.cache_info().currsize:
        _pool(os.getpid()).close()
        _pool.cache_clear()


def _transport_code(error: httpx.HTTPError, *, effect: bool) -> str:
    # No connection, no request: these three are raised before the first byte is written.
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return "unreachable"
    if effect:
        return OUTCOME_UNKNOWN
    return "timed_out" if isinstance(error, httpx.TimeoutException) else "unreachable"


def _understood(raw: _Raw, *, effect: bool) -> Answer:
    status, request_id = raw.status, _request_id(raw.headers)
    if not 200 <= status < 300:
        raise ConnectorError(
            _status_code(status, effect=effect),
            status=status,
            request_id=request_id,
            retry_after=retry_after(raw.headers) if status in (429, 503) else None,
        )
    try:
        return Answer(status, raw.headers, _body(raw, effect=effect), request_id)
    except ConnectorError as error:
        raise ConnectorError(error.code, status=status, request_id=request_id) from None


def _status_code(status: int, *, effect: bool) -> str:
    if status == 429:
        return "rate_limited"
    if status >= 500:
        return OUTCOME_UNKNOWN if effect else "vendor_error"
    if 300 <= status < 400:
        return "redirected"
    return _CODES.get(status, "rejected")


def _body(raw: _Raw, *, effect: bool) -> Any:
    if effect:
        # What an effect answers proves nothing (the read-back does): it is not even read.
        return None
    if not raw.whole:
        raise ConnectorError("too_large")
    try:
        return json.loads(raw.content) if raw.content else None
    except ValueError:
        raise ConnectorError("malformed") from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 §10.2.3, delay form); None when unusable."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def _request_id(headers: Mapping[str, str]) -> str:
    value = headers.get("X-Request-Id", "")
    return value if _REQUEST_ID.fullmatch(value) else ""


def _note(target: Target, status: int | None, seconds: float) -> None:
    host = urlsplit(target.url).hostname
    logger.debug("%s %s answered %s in %.0f ms", target.method, host, status, seconds * 1000)
