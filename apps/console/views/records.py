"""Records: the list with its filters and search, and one record with the reason of its date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import CharField
from django.db.models.functions import Cast, Right
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.console import badges, paging, people, words
from apps.console.doors import as_uuid, page, staff_page, today
from apps.console.forms import SearchForm
from apps.console.staff import StaffRequest
from apps.retention import listing
from apps.retention import selectors as retention
from apps.retention.listing import OUTCOMES, Summary
from apps.subjects import selectors as subjects
from apps.subjects.models import Record

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
    connection = as_uuid(request.GET.get("connection", ""))
    after = request.GET.get("after", "")
    summaries: dict[UUID, Summary] = {}
    if outcome == "erased":
        shown = _erased(connection, after)
    else:
        chosen = outcome if outcome in OUTCOMES else ""
        shown, summaries = _living(as_of, chosen, connection, after)
    context = {
        "rows": _shown(shown.rows, summaries, as_of),
        "chips": _chips(outcome, as_of),
        "form": SearchForm(auto_id="search_%s"),
        "outcome": outcome,
        **shown.links(request),
    }
    return page(request, "console/records.html", context)


@staff_page("POST")
def search(request: StaffRequest) -> HttpResponse:
    """By POST: an e-mail address in a URL would end in histories and access logs."""
    as_of = today(request)
    form = SearchForm(request.POST, auto_id="search_%s")
    found = _found(form.cleaned_data["q"]) if form.is_valid() else []
    ids = [row.pk for row in found]
    context = {
        "rows": _shown(ids, listing.summaries(ids, as_of=as_of), as_of),
        "chips": _chips("", as_of),
        "form": form,
        "searched": True,
    }
    return page(request, "console/records.html", context)


def _living(
    as_of: date, outcome: str, connection: UUID | None, after: str
) -> tuple[paging.Page[UUID], dict[UUID, Summary]]:
    """Ids of a page of records that were not erased, by due date, with what is said of each."""
    found = listing.page(
        as_of=as_of,
        outcome=outcome,
        connection_id=connection,
        after=listing.Cursor.read(after),
        limit=paging.SIZE + 1,
    )
    cut = paging.cut(found, cursor=lambda row: str(listing.cursor(row)), after=after)
    summaries = {row.record_id: row for row in cut.rows}
    return paging.Page(list(summaries), cut.next, cut.first), summaries


def _erased(connection: UUID | None, after: str) -> paging.Page[UUID]:
    rows = Record.objects.filter(state=Record.State.ERASED)
    rows = rows.filter(connection_id=connection) if connection else rows
    found = paging.take(rows.order_by("pk"), by="pk", after=after)
    return paging.Page([row.pk for row in found.rows], found.next, found.first)


def _shown(ids: Sequence[UUID], summaries: Mapping[UUID, Summary], as_of: date) -> list[Row]:
    """Records with names, outcome and date, in the order of the ids: the same few queries for
    one or for fifty."""
    rows = {row.pk: row for row in subjects.records().filter(pk__in=ids)}
    known = people.of_records(ids)
    return [_row(rows[pk], known[pk], summaries.get(pk), as_of) for pk in ids if pk in rows]


def _row(record: Record, person: people.Person, summary: Summary | None, as_of: date) -> Row:
    if record.state == Record.State.ERASED:
        return Row(record, person, badges.of("outcome", "erased"), None, "")
    if summary is None:
        return Row(record, person, badges.of("outcome", "pending"), None, "")
    # How late somebody under a hold would be is nobody's worry.
    due_on = None if summary.outcome == "held" else summary.due_on
    how_far = words.due(due_on, as_of) if due_on else ""
    return Row(record, person, badges.of("outcome", summary.outcome), summary, how_far)


def _chips(current: str, as_of: date) -> list[Chip]:
    counts = retention.counts(as_of=as_of)
    erased = Record.objects.filter(state=Record.State.ERASED).count()
    total = counts.due + counts.kept + counts.held + counts.undecided
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
