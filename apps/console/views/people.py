"""Signing in by a single-use link, and working for another controller."""

from __future__ import annotations

import ipaddress

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import services as accounts
from apps.console import staff as people
from apps.console.doors import as_uuid, staff_page
from apps.console.staff import StaffRequest
from apps.core.errors import Refused

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """A GET shows a button and spends nothing: mail scanners and previews open links."""
    if not _from_loopback(request):
        raise Http404
    if request.method != "POST":
        return render(request, "console/enter.html")
    try:
        user = accounts.use_sign_in_link(token=token)
    except Refused as error:
        return render(request, "console/enter.html", {"spent": error.message}, status=403)
    login(request, user, backend=BACKEND)
    return redirect("console:today")


def _from_loopback(request: HttpRequest) -> bool:
    """True for the machine itself: behind a proxy everybody would look like loopback."""
    if any(request.META.get(header) for header in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@staff_page("POST")
def switch(request: StaffRequest) -> HttpResponse:
    wanted = as_uuid(request.POST.get("controller", ""))
    if wanted is None or not people.switch(request, request.staff, wanted):
        raise Http404
    messages.success(request, _("You now work for another legal entity."))
    return redirect("console:today")
