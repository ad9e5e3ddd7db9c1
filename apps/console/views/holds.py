"""Legal holds: the cases, one case with whom it holds, and a new one seen before it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import selectors as accounts
from apps.connectors import selectors as connectors
from apps.console import people, words
from apps.console.doors import as_uuid, attempt, page, staff_page, today
from apps.console.forms import CaseForm, ReviewForm, day_in
from apps.console.ledger import lines_about
from apps.console.staff import StaffRequest
from apps.core.errors import Missing
from apps.erasure import archives
from apps.retention import facts, held, holds
from apps.retention import services as retention
from apps.retention.hold_rules import Query
from apps.retention.models import Hold, HoldCase
from apps.subjects import selectors as subjects
from apps.subjects.models import Application, Record

#: A hold is looked at again within half a year unless the person says otherwise.
REVIEW_AFTER = timedelta(days=180)
#: The page of a case names this many people.
MOST = 50
_DATES = ("applied_from", "applied_until")


@dataclass(frozen=True, slots=True)
class Row:
    case: HoldCase
    matter: str
    overdue: bool
    #: Persons held by name; None: it holds by a query.
    named: int | None


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    record: Record | None
    hold: Hold | None
    reason: str


@staff_page()
def cases(request: StaffRequest) -> HttpResponse:
    day = today(request)
    rows = [
        Row(
            case=one,
            matter=held.matter(one) or _("About one person"),
            overdue=one.released_at is None and one.review_on <= day,
            named=None if one.by_query else one.holds.filter(released_at=None).count(),
        )
        for one in held.cases()
    ]
    return page(request, "console/holds.html", {"rows": rows})


@staff_page("GET", "POST")
def new(request: StaffRequest) -> HttpResponse:
    """The form; with "preview" what the query holds now, with "open" the case is opened."""
    if request.method != "POST":
        initial = {
            "owner": str(request.staff.user.pk),
            "review_on": today(request) + REVIEW_AFTER,
        }
        return page(request, "console/new_hold.html", {"form": _form(None, initial=initial)})
    form = _form(request.POST)
    if not form.is_valid():
        return page(request, "console/new_hold.html", {"form": form}, status=422)
    query = _query(form.cleaned_data)
    if "preview" in request.POST:
        if not attempt(form, lambda: holds.check_query(query)):
            return page(request, "console/new_hold.html", {"form": form}, status=422)
        context = {"form": form, "asked": told(query), **_met(query)}
        return page(request, "console/new_hold.html", context)
    made: list[Any] = []
    if not attempt(form, lambda: made.append(_open(request, form.cleaned_data, query))):
        return page(request, "console/new_hold.html", {"form": form}, status=422)
    opened = made[0]
    if opened.late:
        late = ngettext(
            "%(count)d erasure was already sent to the ATS: the hold came too late for it.",
            "%(count)d erasures were already sent to the ATS: the hold came too late for them.",
            len(opened.late),
        )
        messages.warning(request, late % {"count": len(opened.late)})
    messages.success(request, _("Held. Whoever meets the criteria later is held as well."))
    return redirect("console:hold_case", opened.case.pk)


@staff_page()
def case(request: StaffRequest, case_id: UUID) -> HttpResponse:
    return _show(request, _case(case_id))


@staff_page("POST")
def review(request: StaffRequest, case_id: UUID) -> HttpResponse:
    found = _case(case_id)
    form = ReviewForm(request.POST, owners=_owners(), auto_id="review_%s")
    done = attempt(
        form,
        lambda: retention.review_case(
            actor=request.staff.actor,
            case_id=case_id,
            review_on=day_in(form.cleaned_data, "review_on"),
            owner_id=UUID(form.cleaned_data["owner"]),
        ),
    )
    if not done:
        return _show(request, found, reviewing=form, status=422)
    messages.success(request, _("Reviewed. The hold goes on."))
    return redirect("console:hold_case", case_id)


@staff_page("POST")
def release(request: StaffRequest, case_id: UUID) -> HttpResponse:
    retention.release_case(actor=request.staff.actor, case_id=case_id)
    messages.success(request, _("Released. Everyone it held follows their retention period again."))
    return redirect("console:hold_case", case_id)


def _met(query: Query) -> dict[str, object]:
    return {"found": held.by_query(query), "archives": archives.met_by(query)}


def told(query: Query) -> list[tuple[str, str]]:
    """The criteria in plain words: (what, which)."""
    names = dict(Application.State.choices)
    ats = next((one for one in connectors.connections() if one.pk == query.connection_id), None)
    said = [
        (_("ATS"), ats.name if ats is not None else ""),
        (_("Countries"), ", ".join(query.countries)),
        (_("Jobs"), ", ".join(query.jobs)),
        (_("Applications that are"), ", ".join(str(names[one]) for one in query.states)),
        (_("Applied from"), words.day(query.applied_from) if query.applied_from else ""),
        (_("Applied until"), words.day(query.applied_until) if query.applied_until else ""),
    ]
    return [(what, which) for what, which in said if which]


def _case(case_id: UUID) -> HoldCase:
    found: HoldCase | None = held.cases().filter(pk=case_id).first()
    if found is None:
        raise Missing("case", _("There is no such case."))
    return found


def _show(
    request: StaffRequest,
    shown: HoldCase,
    *,
    reviewing: ReviewForm | None = None,
    status: int = 200,
) -> HttpResponse:
    day, query = today(request), facts.query_of(shown)
    found = held.found_by(shown) if shown.released_at is None else None
    initial = {"review_on": day + REVIEW_AFTER, "owner": str(shown.owner_id)}
    context = {
        "case": shown,
        "matter": held.matter(shown),
        "reason": held.reason(shown),
        "overdue": shown.released_at is None and shown.review_on <= day,
        "asked": told(query) if shown.by_query else [],
        "found": found,
        "archives": archives.met_by(query) if found is not None and shown.by_query else 0,
        "named": _named(shown),
        "matching": _matching(found.record_ids[:MOST]) if found is not None else [],
        "timeline": lines_about([shown.pk]),
        "reviewing": reviewing
        or ReviewForm(initial=initial, owners=_owners(), auto_id="review_%s"),
        "reviewing_opened": reviewing is not None,
    }
    return page(request, "console/hold.html", context, status=status)


def _named(shown: HoldCase) -> list[Person]:
    """Those the case holds by name, with why."""
    found = []
    for hold in shown.holds.filter(released_at=None).order_by("pk")[:MOST]:
        family = subjects.family(hold.subject_id)
        record = subjects.records().filter(subject_id__in=family).order_by("pk").first()
        name = people.of_records([record.pk])[record.pk].name if record else _("Erased person")
        found.append(Person(name, record, hold, held.hold_reason(hold)))
    return found


def _matching(record_ids: Sequence[UUID]) -> list[Person]:
    known = people.of_records(record_ids)
    rows = subjects.records().filter(pk__in=record_ids).order_by("pk")
    return [Person(known[row.pk].name, row, None, "") for row in rows]


def _form(data: Any, **options: Any) -> CaseForm:
    ats = [(str(one.pk), one.name) for one in connectors.connections()]
    states = list(Application.State.choices)
    return CaseForm(data, owners=_owners(), connections=ats, states=states, **options)


def _owners() -> list[tuple[str, str]]:
    return [(str(user.pk), user.name or user.email) for user in accounts.members()]


def _query(data: dict[str, Any]) -> Query:
    return Query(
        connection_id=as_uuid(data["connection"]),
        countries=tuple(one.upper() for one in _listed(data["countries"])),
        jobs=_listed(data["jobs"]),
        states=tuple(data["states"]),
        applied_from=data["applied_from"],
        applied_until=data["applied_until"],
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _open(request: StaffRequest, data: dict[str, Any], query: Query) -> Any:
    return retention.open_case(
        actor=request.staff.actor,
        matter=data["matter"],
        reason=data["reason"],
        owner_id=UUID(data["owner"]),
        review_on=data["review_on"],
        query=query,
    )
