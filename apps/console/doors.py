"""What every view of the console needs: who may enter, and today's date where it counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.console.staff import StaffRequest
from apps.core import clock
from apps.core.errors import DomainError

P = ParamSpec("P")
View = Callable[Concatenate[StaffRequest, P], HttpResponse]


def staff_page(*methods: str) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """A page for people with a membership; others sign in, or read why they see nothing."""

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @require_http_methods(list(methods or ("GET", "HEAD")))
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if getattr(request, "staff", None) is None:
                return render(request, "console/no_membership.html", status=403)
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # staff is there

        return guarded

    return decorate


def today(request: StaffRequest) -> date:
    """The local date of the controller: legal dates are local dates."""
    return clock.today(request.staff.controller.time_zone)


def page(
    request: StaffRequest, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return render(request, template, {"today": today(request), **context}, status=status)


def attempt(form: BaseForm, call: Callable[[], object]) -> bool:
    """Do what a valid form asks; a refusal of the domain lands beside the field it names."""
    if not form.is_valid():
        return False
    try:
        call()
    except DomainError as error:
        field = error.field if error.field in form.fields else None
        form.add_error(field, str(error.message))
        return False
    return True


def as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
