"""Records: the list with its filters and search, and one record with the reason of its date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast, Right
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.connectors.models import Connection
from apps.console import badges, paging, people, words
from apps.console.doors import as_uuid, page, staff_page, today
from apps.console.forms import SearchForm
from apps.console.staff import StaffRequest
from apps.retention import selectors as retention
from apps.retention.selectors import Summary
from apps.subjects import selectors as subjects
from apps.subjects.models import Record

OUTCOMES = ("due", "kept", "held", "undecided")
#: A search shows this many records at most: a person has few.
MOST = 50


@dataclass(frozen=True, slots=True)
class Row:
    record: Record
    person: people.Person
    outcome: badges.Badge
    summary: Summary | None
    how_far: str


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    url: str
    count: int
    current: bool


@staff_page()
def records(request: StaffRequest) -> HttpResponse:
    as_of = today(request)
    outcome = request.GET.get("outcome", "")
    rows = _filtered(request, outcome, as_of)
    shown = paging.take(rows.order_by("pk"), by="pk", after=request.GET.get("after", ""))
    context = {
        "rows": listed(shown.rows, as_of),
        "chips": _chips(outcome, as_of),
        "connections": Connection.objects.order_by("name"),
        "form": SearchForm(auto_id="search_%s"),
        "outcome": outcome,
        "chosen": request.GET.get("connection", ""),
        **shown.links(request),
    }
    return page(request, "console/records.html", context)


@staff_page("POST")
def search(request: StaffRequest) -> HttpResponse:
    """By POST: an e-mail address in a URL would end in histories and access logs."""
    as_of = today(request)
    form = SearchForm(request.POST, auto_id="search_%s")
    found = _found(form.cleaned_data["q"]) if form.is_valid() else []
    context = {
        "rows": listed(found, as_of),
        "chips": _chips("", as_of),
        "form": form,
        "searched": True,
    }
    return page(request, "console/records.html", context)


def listed(rows: Sequence[Record], as_of: date) -> list[Row]:
    """Records with names, outcome and date: the same few queries for one or for fifty."""
    ids = [row.pk for row in rows]
    known = people.of_records(ids)
    summaries = retention.summaries(ids, as_of=as_of)
    return [_row(row, known[row.pk], summaries.get(row.pk), as_of) for row in rows]


def _row(record: Record, person: people.Person, summary: Summary | None, as_of: date) -> Row:
    erased = record.state == Record.State.ERASED or summary is None
    outcome = "erased" if erased or summary is None else summary.outcome
    due_on = None if erased or summary is None else summary.due_on
    how_far = words.due(due_on, as_of) if due_on else ""
    return Row(record, person, badges.of("outcome", outcome), summary, how_far)


def _filtered(request: StaffRequest, outcome: str, as_of: date) -> QuerySet[Record]:
    rows = subjects.records()
    connection = as_uuid(request.GET.get("connection", ""))
    if connection:
        rows = rows.filter(connection_id=connection)
    if outcome == "erased":
        return rows.filter(state=Record.State.ERASED)
    if outcome in OUTCOMES:
        return retention.where_outcome(rows, outcome, as_of=as_of)
    return rows


def _chips(current: str, as_of: date) -> list[Chip]:
    counts = retention.counts(as_of=as_of)
    erased = Record.objects.filter(state=Record.State.ERASED).count()
    total = Record.objects.count()
    address = reverse("console:records")
    chips = [Chip(_("All"), address, total, current == "")]
    known = {**{name: getattr(counts, name) for name in OUTCOMES}, "erased": erased}
    for name, count in known.items():
        label = str(badges.of("outcome", name).words)
        chips.append(Chip(label, f"{address}?outcome={name}", count, current == name))
    return chips


def _found(query: str) -> list[Record]:
    """An e-mail finds by its keyed index; anything else is a record's reference or id."""
    rows = subjects.records().order_by("pk")
    if "@" in query:
        family = subjects.family_of(subjects.find(email=query))
        return list(rows.filter(subject_id__in=family)[:MOST])
    whole = as_uuid(query)
    if whole:
        return list(rows.filter(pk=whole))
    ending = query.lower().strip()
    by_end = rows.annotate(ending=Right(Cast("pk", CharField()), 8))
    return list(by_end.filter(ending=ending)[:MOST])
