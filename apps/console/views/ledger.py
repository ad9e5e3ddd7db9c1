"""The ledger: entries with filters, the signed checkpoint, and the button that verifies."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.audit import selectors as audit
from apps.audit import verification
from apps.audit.verbs import registered
from apps.console import ledger as reading
from apps.console import paging
from apps.console.doors import page, staff_page
from apps.console.forms import LedgerFilter
from apps.console.staff import StaffRequest
from apps.core import clock, scope

#: Session key of the last verification somebody saw: sizes and times, nothing personal.
VERIFIED = "ledger_verified"


@staff_page()
def ledger(request: StaffRequest) -> HttpResponse:
    form = LedgerFilter(request.GET, verbs=_verbs())
    after = request.GET.get("after", "")
    entries = _entries(request, form, after) if form.is_valid() else []
    shown = paging.cut(entries, cursor=lambda entry: str(entry.index), after=after)
    context = {
        **standing(request),
        "form": form,
        "lines": reading.lines(shown.rows),
        "filtered": any(request.GET.get(name) for name in form.fields),
        **shown.links(request),
    }
    return page(request, "console/ledger.html", context)


@staff_page("POST")
def verify(request: StaffRequest) -> HttpResponse:
    """Recomputes everything now; the answer is kept in the session for the pages to show."""
    log_id = scope.current()
    verdict = verification.verify(log_id)
    request.session[VERIFIED] = {
        "log": str(log_id),
        "ok": verdict.ok,
        "size": verdict.size,
        "first_bad": verdict.first_bad,
        "at": clock.now().isoformat(),
    }
    if request.headers.get("HX-Request"):
        return page(request, "console/parts/verdict.html", standing(request))
    return redirect("console:ledger")


def standing(request: StaffRequest) -> dict[str, Any]:
    """The state of the log: what today's page and the ledger's page both show."""
    log_id = scope.current()
    return {
        "size": audit.size(log_id),
        "pending": audit.pending(log_id),
        "checkpoint": audit.checkpoint(log_id),
        "verdict": _seen(request),
    }


def _seen(request: StaffRequest) -> dict[str, Any] | None:
    seen = request.session.get(VERIFIED)
    if not seen or seen.get("log") != str(scope.current()):
        return None
    return {**seen, "at": datetime.fromisoformat(seen["at"])}


def _entries(request: StaffRequest, form: LedgerFilter, after: str) -> list[audit.EntryView]:
    asked = form.cleaned_data
    return audit.entries(
        scope.current(),
        verb=asked["verb"] or None,
        object_id=asked["object"],
        actor=asked["actor"] or None,
        until=_end_of(request, asked["until"]),
        before=int(after) if after.isdecimal() else None,
        limit=paging.SIZE + 1,
    )


def _end_of(request: StaffRequest, day: Any) -> datetime | None:
    """The local midnight after a day: entries of the day itself are shown."""
    if day is None:
        return None
    zone = ZoneInfo(request.staff.controller.time_zone)
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def _verbs() -> list[tuple[str, str]]:
    """Every word of the ledger with its sentence; the numbers in it are left open."""
    return sorted(((verb.name, _opened(verb)) for verb in registered()), key=lambda pair: pair[1])


def _opened(verb: Any) -> str:
    keys = [*verb.counts, *verb.codes, *verb.dates]
    try:
        return str(verb.sentence) % dict.fromkeys(keys, "…")
    except (KeyError, ValueError, TypeError):
        return _("Event %(name)s") % {"name": verb.name}
