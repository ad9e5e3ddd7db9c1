"""The page of a warning: when the data go, and how to stay or to object."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.consents.models import EndWarning
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import DomainError, Missing
from apps.retention import warnings


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stay(request: HttpRequest, token: str) -> HttpResponse:
    """A GET changes nothing; a POST says it, once."""
    try:
        controller_id, mail = warnings.read_link(token)
    except Missing as error:
        return _page(request, {"error": str(error.message)}, status=404)
    with scope.enter(controller_id):
        if request.method != "POST":
            return _show(request, mail_id=mail)
        # The link is what the person holds: who they are stays with the warning it names.
        actor = Actor("subject", mail)
        try:
            warnings.answer(actor=actor, mail=mail, answer=request.POST.get("answer", ""))
        except DomainError as error:
            return _show(request, mail_id=mail, error=str(error.message), status=409)
    return redirect("portal:stay", token)


def _show(
    request: HttpRequest, *, mail_id: UUID, error: str = "", status: int = 200
) -> HttpResponse:
    try:
        found = warnings.answerable(mail_id)
    except Missing as missing:
        return _page(request, {"error": str(missing.message)}, status=404)
    context = {"found": found, "error": error, "answers": EndWarning.Answer}
    return _page(request, context, status=status)


def _page(request: HttpRequest, context: dict[str, object], status: int) -> HttpResponse:
    return render(request, "portal/stay.html", context, status=status)
