"""The ledger: entries with filters, the signed checkpoint, and the button that verifies."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit import selectors as audit
from apps.audit import verification
from apps.audit.models import Checkpoint
from apps.audit.selectors import Shown
from apps.audit.verbs import Verb, registered
from apps.console import ledger as reading
from apps.console import paging
from apps.console.doors import page, staff_page
from apps.console.forms import LedgerFilter
from apps.console.staff import StaffRequest
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor

#: Session key of the last verification somebody saw: sizes and times, nothing personal.
VERIFIED = "ledger_verified"


@staff_page()
def ledger(request: StaffRequest) -> HttpResponse:
    form = LedgerFilter(request.GET, verbs=_verbs(), actors=_actors())
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
        "reason": verdict.reason,
        "first_bad": verdict.first_bad,
        "place": verdict.place,
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
    why = "" if seen["ok"] else _why(seen)
    return {**seen, "at": datetime.fromisoformat(seen["at"]), "why": why}


def _why(seen: dict[str, Any]) -> str:
    """The finding in the reader's language, whatever the language it was found in."""
    words = verification.SENTENCES[seen["reason"]]
    return str(words % {"index": seen["first_bad"], "place": seen["place"]})


def _entries(request: StaffRequest, form: LedgerFilter, after: str) -> list[Shown]:
    asked = form.cleaned_data
    before = int(after) if after.isdecimal() else None
    if asked["until"]:
        sealed = _sealed_by(request, asked["until"])
        before = sealed if before is None else min(before, sealed)
    return audit.entries(
        verb=asked["verb"] or None,
        object_id=asked["object"],
        actor=_actor(asked["actor"]),
        before=before,
        limit=paging.SIZE + 1,
    )


def _sealed_by(request: StaffRequest, day: date) -> int:
    """How many entries were sealed by the end of a local day: the log has no other clock."""
    zone = ZoneInfo(request.staff.controller.time_zone)
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    heads = Checkpoint.objects.filter(log=scope.current(), at__lt=midnight)
    last = heads.order_by("-size").first()
    return last.size if last else 0


def _actor(chosen: str) -> Actor | None:
    kind, __, pk = chosen.partition(":")
    if kind == "system":
        return SYSTEM
    return Actor("user", UUID(pk)) if kind == "user" else None


def _actors() -> list[tuple[str, str]]:
    """The people with a role here, then Lethe itself."""
    staff = User.objects.filter(memberships__controller_id=scope.current()).distinct()
    people = [(f"user:{pk}", name) for pk, name in staff.order_by("name").values_list("pk", "name")]
    return [*people, ("system", _("Lethe itself"))]


def _verbs() -> list[tuple[str, str]]:
    """Every word of the ledger with its sentence; the numbers in it are left open."""
    return sorted(((verb.name, _opened(verb)) for verb in registered()), key=lambda pair: pair[1])


def _opened(verb: Verb) -> str:
    keys = [*verb.counts, *verb.codes, *verb.dates]
    try:
        return str(verb.sentence) % dict.fromkeys(keys, "…")
    except (KeyError, ValueError, TypeError):
        return _("Event %(name)s") % {"name": verb.name}
