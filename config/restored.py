"""The wall of a restored service: nothing is answered and no tick works until it was replayed.

Asked at every request and tick, and believed for two seconds when all is well; a restore under a
running service ends its connections first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from apps.api import problems
from apps.core.errors import Unavailable
from apps.erasure import replay

BELIEVED = 2.0
#: What answers all the same: whether the process lives, and what is missing.
OPEN = ("/healthz", "/readyz")
MACHINES = ("/api/", "/webhooks/")

logger = logging.getLogger(__name__)

_whole_until = 0.0


def check() -> None:
    """Raises Unavailable with what to do."""
    global _whole_until  # noqa: PLW0603 - one belief a process
    if time.monotonic() < _whole_until:
        return
    replay.require_whole()
    _whole_until = time.monotonic() + BELIEVED


def is_whole() -> bool:
    """For ticks: why not is logged, once a tick."""
    try:
        check()
    except Unavailable as error:
        logger.warning("no tick works: %s", error.code)
        return False
    return True


def forget() -> None:
    """Ask again at once: for tests, whose databases change under one process."""
    global _whole_until  # noqa: PLW0603 - one belief a process
    _whole_until = 0.0


class RestoredMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN):
            return self._get_response(request)
        try:
            check()
        except Unavailable as error:
            return _closed(request, error)
        except DatabaseError:
            pass  # no page answers without it either, and each says so in its own way
        return self._get_response(request)


def _closed(request: HttpRequest, error: Unavailable) -> HttpResponse:
    if request.path.startswith(MACHINES):
        return problems.respond(
            problems.Problem(503, error.code, error.message, [], {"Retry-After": "60"})
        )
    page = render_to_string("console/closed.html", {"why": error.message})
    response = HttpResponse(page, status=503)
    response["Retry-After"] = "60"
    return response
