"""Places each request of the console: who, for which controller, in which language and zone.

Machines' doors (`/api/`, `/webhooks/`) enter their own scope from their own credentials and
are left alone here. Errors of the domain become a message that says what to do, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme

from apps.console import staff, uploads
from apps.core import scope
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused, Unavailable

MACHINES = ("/api/", "/webhooks/")
STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (Missing, 404),
    (Refused, 403),
    (Conflict, 409),
    (Invalid, 400),
    (Unavailable, 503),
)


class ControllerScopeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(MACHINES):
            return self.get_response(request)
        request.upload_handlers = _in_memory(request)
        request.staff = person = staff.find(request)  # type: ignore[attr-defined]  # see ConsoleRequest
        if person is None:
            return _private(self.get_response(request))
        with _placed(request, person):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "fr")
        return _private(response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A DomainError on a button returns to the page with a message; on a page, an answer."""
        if not isinstance(error, DomainError) or not hasattr(request, "staff"):
            return None
        back = _page_before(request)
        if request.method == "POST" and back and not request.headers.get("HX-Request"):
            messages.error(request, str(error.message))
            return HttpResponseRedirect(back)
        context = {"message": error.message, "missing": isinstance(error, Missing)}
        return render(request, "console/refused.html", context, status=status_of(error))


def status_of(error: DomainError) -> int:
    return next((code for kind, code in STATUS if isinstance(error, kind)), 400)


@contextmanager
def _placed(request: HttpRequest, person: staff.Staff) -> Iterator[None]:
    chosen = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
    language = translation.get_language() if chosen else person.user.language
    with (
        scope.enter(person.controller.pk),
        timezone.override(ZoneInfo(person.controller.time_zone)),
        translation.override(language),
    ):
        yield


def _in_memory(request: HttpRequest) -> list[FileUploadHandler]:
    return [uploads.InMemoryOnly(request)]


def _page_before(request: HttpRequest) -> str | None:
    """The page of ours the person came from, never another site's."""
    before = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    secure = request.is_secure()
    ours = url_has_allowed_host_and_scheme(before, allowed_hosts=hosts, require_https=secure)
    return before if ours else None


def _private(response: HttpResponse) -> HttpResponse:
    """Pages hold people's data: no shared or disk cache keeps one."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response
