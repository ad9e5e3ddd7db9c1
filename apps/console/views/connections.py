"""Connections: what each ATS allows, when it was last read, and what to do when it fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from apps.console.forms import BrakesForm, LinkForm, NewImportForm
from apps.console.staff import StaffRequest
from apps.erasure import obstacles
from apps.erasure import services as erasure
from apps.erasure.models import Obstacle
from apps.subjects.models import Record


@dataclass(frozen=True, slots=True)
class Row:
    connection: Connection
    badge: badges.Badge
    advice: advice.Words
    records: int
    grace: str
    imports: bool
    brakes: BrakesForm
    link: LinkForm
    #: What keeps its erasures waiting, when that lasts.
    obstacle: Obstacle | None
    blocked: str


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


@staff_page("POST")
def brakes(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """How much one plan and one day may erase."""
    form = BrakesForm(request.POST, auto_id=f"{connection_id}_%s")
    done = attempt(
        form,
        lambda: erasure.set_brakes(
            actor=request.staff.actor, connection_id=connection_id, values=form.cleaned_data
        ),
    )
    if not done:
        return _show(request, NewImportForm(), status=422, refused=(connection_id, form))
    messages.success(request, _("Saved. The brakes count from the next record on."))
    return redirect("console:connections")


@staff_page("POST")
def candidate_url(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """Where a person finds a file in the ATS."""
    require_role(request.staff.actor, Role.RECOPS, Role.DPO)
    form = LinkForm(request.POST, auto_id=f"link_{connection_id}_%s")
    done = attempt(
        form,
        lambda: services.change(
            actor=request.staff.actor, connection_id=connection_id, values=form.cleaned_data
        ),
    )
    if not done:
        return _show(request, NewImportForm(), status=422, wrong_link=(connection_id, form))
    messages.success(request, _("Saved. Tasks lead to the file from now on."))
    return redirect("console:connections")


@staff_page("POST")
def pause(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    erasure.pause(actor=request.staff.actor, connection_id=connection_id)
    messages.success(request, _("Paused: it is not read, and nothing new is sent to it."))
    return redirect("console:connections")


@staff_page("POST")
def resume(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    erasure.resume(actor=request.staff.actor, connection_id=connection_id)
    messages.success(request, _("Resumed. It goes on where it was."))
    return redirect("console:connections")


@staff_page("POST")
def look_again(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    erasure.look_again(actor=request.staff.actor, connection_id=connection_id)
    messages.success(request, _("It is tried now. If it works, everything goes on by itself."))
    return redirect("console:connections")


@staff_page("POST")
def stop_all(request: StaffRequest) -> HttpResponse:
    erasure.stop_all(actor=request.staff.actor)
    messages.success(request, _("Stopped: nothing new is sent. What was sent is read back."))
    return redirect("console:connections")


@staff_page("POST")
def resume_all(request: StaffRequest) -> HttpResponse:
    erasure.resume_all(actor=request.staff.actor)
    messages.success(request, _("Resumed. Approved plans go on where they were."))
    return redirect("console:connections")


def _show(
    request: StaffRequest,
    form: NewImportForm,
    status: int = 200,
    refused: tuple[UUID, BrakesForm] | None = None,
    wrong_link: tuple[UUID, LinkForm] | None = None,
) -> HttpResponse:
    counts = _counts()
    met = {item.connection_id: item for item in obstacles.standing()}
    rows = [
        _row(item, counts.get(item.pk, 0), refused, met.get(item.pk))
        for item in connectors.connections()
    ]
    if wrong_link is not None:
        rows = [
            replace(row, link=wrong_link[1]) if row.connection.pk == wrong_link[0] else row
            for row in rows
        ]
    context = {"rows": rows, "form": form}
    return page(request, "console/connections.html", context, status=status)


def _counts() -> dict[UUID, int]:
    kept = Record.objects.exclude(state=Record.State.ERASED).order_by()
    return dict(kept.values_list("connection_id").annotate(n=Count("pk")))


def _row(
    item: Connection,
    records: int,
    refused: tuple[UUID, BrakesForm] | None,
    obstacle: Obstacle | None,
) -> Row:
    told = {name: getattr(item, name) for name in (*services.BRAKES, *services.HOURS)}
    form = BrakesForm(initial=told, auto_id=f"{item.pk}_%s")
    if refused is not None and refused[0] == item.pk:
        form = refused[1]
    failing = item.state == Connection.State.FAILING
    return Row(
        connection=item,
        badge=badges.of("connection", item.state),
        advice=advice.of_code(item.failure) if failing else "",
        records=records,
        grace=words.lasting(item.grace_seconds),
        imports=item.vendor == Vendor.CSV,
        brakes=form,
        link=LinkForm(initial={"candidate_url": item.candidate_url}, auto_id=f"link_{item.pk}_%s"),
        obstacle=obstacle,
        blocked=str(advice.of_code(obstacle.code)) if obstacle is not None else "",
    )
