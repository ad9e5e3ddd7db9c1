"""A RecOps person's export: columns, dry run line by line, then the good lines are taken.

Reading is the dry run: it stores nothing. The file itself travels in the page (envelope.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.connectors import selectors as connectors
from apps.connectors.csv_import import columns, reading, tables
from apps.connectors.csv_import.reading import LineError, Reading
from apps.connectors.models import Connection, Vendor
from apps.connectors.port import RemoteCandidate
from apps.console import envelope
from apps.console.doors import page, staff_page, today
from apps.console.forms import UploadForm
from apps.console.staff import StaffRequest
from apps.core.errors import Invalid, Missing
from apps.retention import mapped, meanings
from apps.retention.meanings import Stands, Words
from apps.subjects import intake

#: People are taken in by transactions of this many; taking the same file again adds nobody.
BATCH = 500
#: Lines with errors shown on the page; the download has all of them.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A field of Lethe and the heading of the file chosen for it."""

    field: str
    label: str
    headers: Sequence[str]
    chosen: str
    needed: bool


@staff_page()
def upload(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    context = {"connection": _connection(request, connection_id), "form": UploadForm()}
    return page(request, "console/import.html", context)


@staff_page("POST")
def check(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """The first look at a file, or another look with other columns."""
    connection = _connection(request, connection_id)
    form = UploadForm(request.POST, request.FILES)
    if "sealed" not in request.POST and not form.is_valid():
        return _again(request, connection, form)
    try:
        data = _data(request, connection)
        table = tables.parse(data)
    except Invalid as error:
        form.add_error("file", str(error.message))
        return _again(request, connection, form)
    mapping = _mapping(request.POST) or columns.guess(table.headers)
    return _report(request, connection, data, table.headers, mapping)


@staff_page("POST")
def take(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """Take in what was checked, byte for byte: good lines only."""
    connection = _connection(request, connection_id)
    found = _reading(request, connection)
    taken = [_take(request, connection, batch) for batch in _batches(found.candidates)]
    new, changed = sum(one.created for one in taken), sum(one.changed for one in taken)
    messages.success(
        request,
        ngettext(
            "%(count)d new record, %(changed)d changed. Dates follow within a minute.",
            "%(count)d new records, %(changed)d changed. Dates follow within a minute.",
            new,
        )
        % {"count": new, "changed": changed},
    )
    return redirect("console:records")


@staff_page("POST")
def rejects(request: StaffRequest, connection_id: UUID) -> HttpResponse:
    """The lines to correct, each with what is wrong, for the person's own spreadsheet."""
    found = _reading(request, _connection(request, connection_id))
    response = HttpResponse(found.bad_lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="lines-to-correct.csv"'
    return response


def _connection(request: StaffRequest, connection_id: UUID) -> Connection:
    """A CSV connection of the scope. Raises Refused for other roles, Missing for the rest."""
    require_role(request.staff.actor, Role.RECOPS, Role.DPO)
    rows = connectors.connections().filter(pk=connection_id, vendor=Vendor.CSV)
    found: Connection | None = rows.first()
    if found is None:
        raise Missing("connection", _("There is no such CSV import."))
    return found


def _data(request: StaffRequest, connection: Connection) -> bytes:
    sealed = request.POST.get("sealed", "")
    if sealed:
        return envelope.take(sealed, user_id=request.staff.user.pk, connection_id=connection.pk)
    uploaded = request.FILES.get("file")
    return uploaded.read() if uploaded else b""


def _mapping(posted: Mapping[str, str]) -> dict[str, str]:
    """Field → heading as chosen on the page; empty before anything was chosen."""
    chosen = {field: posted.get(f"column_{field}", "") for field in columns.FIELDS}
    return {field: header for field, header in chosen.items() if header}


def _reading(request: StaffRequest, connection: Connection) -> Reading:
    data = _data(request, connection)
    return _read(request, connection, data, _mapping(request.POST))


def _read(
    request: StaffRequest, connection: Connection, data: bytes, mapping: Mapping[str, str]
) -> Reading:
    return reading.read(data, mapping, as_of=today(request), country=connection.country)


def _again(request: StaffRequest, connection: Connection, form: UploadForm) -> HttpResponse:
    context = {"connection": connection, "form": form}
    return page(request, "console/import.html", context, status=422)


def _report(
    request: StaffRequest,
    connection: Connection,
    data: bytes,
    headers: Sequence[str],
    mapping: Mapping[str, str],
) -> HttpResponse:
    found, problem = None, ""
    try:
        found = _read(request, connection, data, mapping)
    except Invalid as error:
        problem = str(error.message)
    errors: Sequence[LineError] = found.errors if found else ()
    context = {
        "connection": connection,
        "sealed": envelope.put(data, user_id=request.staff.user.pk, connection_id=connection.pk),
        "columns": _columns(headers, mapping),
        "reading": found,
        "problem": problem,
        "unmapped": _unmapped(connection, found.candidates) if found else {},
        "errors": errors[:SHOWN],
        "more": max(len(errors) - SHOWN, 0),
    }
    return page(request, "console/import_check.html", context, status=422 if problem else 200)


def _unmapped(connection: Connection, people: Sequence[RemoteCandidate]) -> dict[str, int]:
    """Words for states that nobody mapped, and how many applications say each."""
    said = meanings.table(mapped.entries(mapped.current(connection.pk)))
    found: Counter[str] = Counter()
    for one in (application for person in people for application in person.applications):
        native = Stands(one.state, one.prospect)
        if word := meanings.unmapped(Words(native, one.status, one.stage, one.reason), said):
            found[word] += 1
    return dict(found.most_common())


def _columns(headers: Sequence[str], mapping: Mapping[str, str]) -> list[Column]:
    return [
        Column(field, str(label), headers, mapping.get(field, ""), field in columns.IDENTIFYING)
        for field, label in columns.FIELDS.items()
    ]


def _batches(people: Sequence[RemoteCandidate]) -> list[Sequence[RemoteCandidate]]:
    return [people[start : start + BATCH] for start in range(0, len(people), BATCH)]


def _take(
    request: StaffRequest, connection: Connection, people: Sequence[RemoteCandidate]
) -> intake.Taken:
    return intake.take(actor=request.staff.actor, connection_id=connection.pk, candidates=people)
