"""Connections: what each ATS allows, when it was last read, and what to do when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.connectors import selectors as connectors
from apps.connectors import services
from apps.connectors.models import Connection, Vendor
from apps.console import advice, badges, words
from apps.console.doors import attempt, page, staff_page
from apps.console.forms import NewImportForm
from apps.console.staff import StaffRequest
from apps.subjects.models import Record


@dataclass(frozen=True, slots=True)
class Row:
    connection: Connection
    badge: badges.Badge
    advice: advice.Words
    records: int
    grace: str
    imports: bool


@staff_page()
def connections(request: StaffRequest) -> HttpResponse:
    return _show(request, NewImportForm())


@staff_page("POST")
def add_import(request: StaffRequest) -> HttpResponse:
    """A place for the exports of an ATS without an interface."""
    require_role(request.staff.actor, Role.RECOPS, Role.DPO)
    form = NewImportForm(request.POST)
    added = attempt(
        form,
        lambda: services.connect(
            actor=request.staff.actor,
            name=form.cleaned_data["name"],
            vendor=Vendor.CSV,
            country=form.cleaned_data["country"].upper(),
        ),
    )
    if not added:
        return _show(request, form, status=422)
    messages.success(request, _("Added. You may now import a file into it."))
    return redirect("console:connections")


def _show(request: StaffRequest, form: NewImportForm, status: int = 200) -> HttpResponse:
    counts = _counts()
    rows = [_row(item, counts.get(item.pk, 0)) for item in connectors.connections()]
    context = {"rows": rows, "form": form}
    return page(request, "console/connections.html", context, status=status)


def _counts() -> dict[UUID, int]:
    kept = Record.objects.exclude(state=Record.State.ERASED).order_by()
    return dict(kept.values_list("connection_id").annotate(n=Count("pk")))


def _row(item: Connection, records: int) -> Row:
    failing = item.state == Connection.State.FAILING
    return Row(
        connection=item,
        badge=badges.of("connection", item.state),
        advice=advice.of_code(item.failure) if failing else "",
        records=records,
        grace=words.lasting(item.grace_seconds),
        imports=item.vendor == Vendor.CSV,
    )
