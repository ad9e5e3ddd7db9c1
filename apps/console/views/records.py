"""Records: the list with its filters and search, and one record with the reason of its date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import CharField
from django.db.models.functions import Cast, Right
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts import services as accounts
from apps.accounts.models import SavedView
from apps.connectors import selectors as connectors
from apps.console import advice, badges, paging, people, words
from apps.console.doors import as_uuid, attempt, page, staff_page, today
from apps.console.forms import FilterForm, SearchForm, ViewForm
from apps.console.staff import StaffRequest
from apps.retention import labels, listing
from apps.retention.listing import OUTCOMES, Filter, Summary, Tally
from apps.retention.rules import Reason
from apps.subjects import selectors as subjects
from apps.subjects.models import Record

#: A search shows this many records at most: a person has few.
MOST = 50
#: Not an outcome of the rule: what became of some records.
ERASED = "erased"


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


@dataclass(frozen=True, slots=True)
class View:
    """A view somebody saved, with how many records it has now."""

    view: SavedView
    url: str
    count: int
    current: bool


@staff_page()
def records(request: StaffRequest) -> HttpResponse:
    return _show(request)


@staff_page("POST")
def save_view(request: StaffRequest) -> HttpResponse:
    """The filters of the address, under the name that was typed."""
    form = ViewForm(request.POST, auto_id="view_%s")
    query = _query(request)
    actor = request.staff.actor
    saved = attempt(
        form,
        lambda: accounts.save_view(actor=actor, name=form.cleaned_data["name"], query=query),
    )
    if not saved:
        return _show(request, saving=form, status=422)
    messages.success(request, _("Saved. You find it above the list."))
    return redirect(f"{reverse('console:records')}?{urlencode(query)}")


@staff_page("POST")
def forget_view(request: StaffRequest, view_id: UUID) -> HttpResponse:
    accounts.forget_view(actor=request.staff.actor, view_id=view_id)
    messages.success(request, _("Removed. The records themselves are untouched."))
    return redirect("console:records")


def _show(
    request: StaffRequest, *, saving: ViewForm | None = None, status: int = 200
) -> HttpResponse:
    as_of = today(request)
    query = _query(request)
    chosen = _filter(query)
    after = request.GET.get("after", "")
    tally = listing.tally(as_of=as_of)
    summaries: dict[UUID, Summary] = {}
    if query.get("outcome") == ERASED:
        shown = _erased(chosen.connection_id, after)
    else:
        shown, summaries = _living(as_of, chosen, after)
    context = {
        "rows": _shown(shown.rows, summaries, as_of),
        "chips": _chips(query, tally),
        "views": _views(request, query, tally),
        "form": SearchForm(auto_id="search_%s"),
        "outcome": query.get("outcome", ""),
        "reason": advice.missing(chosen.reason).what if chosen.reason is not None else "",
        "filtering": _filtering(query, tally),
        "saving": saving or ViewForm(auto_id="view_%s"),
        "query": urlencode(query),
        **shown.links(request),
    }
    return page(request, "console/records.html", context, status=status)


def _query(request: StaffRequest) -> dict[str, str]:
    """The filters of the address, those that mean something; of a form, where it was sent to."""
    known = {
        "outcome": {*OUTCOMES, ERASED},
        "reason": {reason.name.lower() for reason in Reason},
        "rule": set(labels.RULES),
        "connection": {str(one.pk) for one in connectors.connections()},
    }
    return {
        name: request.GET[name]
        for name, values in known.items()
        if request.GET.get(name, "") in values
    }


def _filter(query: Mapping[str, str]) -> Filter:
    return Filter(
        outcome=query.get("outcome", ""),
        reason=Reason[query["reason"].upper()] if "reason" in query else None,
        rule=query.get("rule", ""),
        connection_id=as_uuid(query.get("connection", "")),
    )


def _filtering(query: Mapping[str, str], tally: Tally) -> FilterForm:
    rules = [(key, labels.rule(key)) for key in {*tally.rules, query.get("rule", "")} - {""}]
    ats = [(str(one.pk), one.name) for one in connectors.connections()]
    return FilterForm(
        initial=dict(query), rules=sorted(rules, key=lambda pair: pair[1]), connections=ats
    )


def _views(request: StaffRequest, query: Mapping[str, str], tally: Tally) -> list[View]:
    address = reverse("console:records")
    return [
        View(
            view=one,
            url=f"{address}?{urlencode(one.query)}",
            count=_count(one.query, tally),
            current=one.query == dict(query),
        )
        for one in selectors.saved_views(request.staff.user.pk)
    ]


@staff_page("POST")
def search(request: StaffRequest) -> HttpResponse:
    """By POST: an e-mail address in a URL would end in histories and access logs."""
    as_of = today(request)
    form = SearchForm(request.POST, auto_id="search_%s")
    found = _found(form.cleaned_data["q"]) if form.is_valid() else []
    ids = [row.pk for row in found]
    context = {
        "rows": _shown(ids, listing.summaries(ids, as_of=as_of), as_of),
        "chips": _chips({}, listing.tally(as_of=as_of)),
        "form": form,
        "searched": True,
    }
    return page(request, "console/records.html", context)


def _living(
    as_of: date, chosen: Filter, after: str
) -> tuple[paging.Page[UUID], dict[UUID, Summary]]:
    """Ids of a page of records that were not erased, by due date, with what is said of each."""
    found = listing.page(
        as_of=as_of,
        chosen=chosen,
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


def _chips(query: Mapping[str, str], tally: Tally) -> list[Chip]:
    """Each outcome with how many records it has under the other filters."""
    address = reverse("console:records")
    others = {key: value for key, value in query.items() if key in {"rule", "connection"}}
    current = query.get("outcome", "")
    chips = [Chip(_("All"), f"{address}?{urlencode(others)}", _count(others, tally), not current)]
    for name in (*OUTCOMES, ERASED):
        asked = {**others, "outcome": name}
        label = str(badges.of("outcome", name).words)
        count = _count(asked, tally)
        chips.append(Chip(label, f"{address}?{urlencode(asked)}", count, current == name))
    return chips


def _count(query: Mapping[str, str], tally: Tally) -> int:
    if query.get("outcome") != ERASED:
        return tally.of(_filter(query))
    rows = Record.objects.filter(state=Record.State.ERASED)
    connection = as_uuid(query.get("connection", ""))
    return int((rows.filter(connection_id=connection) if connection else rows).count())


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
