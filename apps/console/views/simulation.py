"""A simulation: what a version, or one departure from it, would do, in figures and as a list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.console import figures, people
from apps.console.doors import page, staff_page, today
from apps.console.forms import DepartureForm
from apps.console.staff import StaffRequest
from apps.core.errors import DomainError, Missing
from apps.retention import labels, simulating
from apps.retention.models import Policy
from apps.retention.simulating import CHANGES, Change, Departure, Effect, Listed, Simulation

#: The page names this many records and this many jobs; the export has them all.
MOST = 50
TOP = 12

_CHANGES = {
    "joining": gettext_lazy("Would become due"),
    "leaving": gettext_lazy("Would no longer be due"),
    "due": gettext_lazy("All that would be due"),
    "archive": gettext_lazy("Would go to the archive"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    label: object
    url: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    listed: Listed
    person: people.Person
    rule: str


@dataclass(frozen=True, slots=True)
class Table:
    """Effects by country, category or job: the greatest first, how many were left out."""

    title: object
    rows: Sequence[tuple[str, Effect]]
    left_out: int


@staff_page()
def show(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    policy = _policy(policy_id)
    form, departure = _departure(request, policy)
    asked: dict[str, Any] = {
        "policy_id": policy.pk,
        "as_of": today(request),
        "departure": departure,
    }
    try:
        said = simulating.simulate(**asked)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.message))
        asked["departure"] = departure = None
        said = simulating.simulate(**asked)
    change = _change(request, said)
    rows = simulating.listed(**asked, change=change, limit=MOST)
    address = reverse("console:simulated", args=[policy.pk])
    context = {
        "policy": policy,
        "form": form,
        "departure": departure,
        "rule": labels.rule(departure.rule) if departure else "",
        "said": said,
        "chips": _chips(policy, departure, said, change),
        "rows": _named(rows),
        "left_out": max(_count(said, change) - len(rows), 0),
        "ahead": figures.bars(list(said.by_month.items())),
        "archived": figures.bars(list(said.archive_by_month.items())),
        "tables": _tables(said),
        "export": f"{address}?{_query(departure, change)}",
    }
    return page(request, "console/simulation.html", context, status=422 if form.errors else 200)


@staff_page()
def export(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    """The whole list as CSV: opaque ids and dates, nobody's name."""
    policy = _policy(policy_id)
    _form, departure = _departure(request, policy)
    day = today(request)
    wanted = request.GET.get("change", "due")
    change: Change = next((one for one in CHANGES if one == wanted), "due")
    rows = simulating.listed(policy_id=policy.pk, as_of=day, departure=departure, change=change)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"simulation-{policy.number}-{change}-{day.isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(["record", "rule", "outcome", "due_on"])
    for row in rows:
        writer.writerow([row.record_id, row.rule, row.outcome, row.due_on or ""])
    return response


def _policy(policy_id: UUID) -> Policy:
    found: Policy | None = Policy.objects.filter(pk=policy_id).first()
    if found is None:
        raise Missing("policy", _("There is no such policy version."))
    return found


def _departure(request: StaffRequest, policy: Policy) -> tuple[DepartureForm, Departure | None]:
    rules = [(one["rule"], labels.rule(one["rule"])) for one in policy.rules if not one["by_hand"]]
    if "rule" not in request.GET:
        return DepartureForm(rules=rules), None
    form = DepartureForm(request.GET, rules=rules)
    if not form.is_valid():
        return form, None
    data = form.cleaned_data
    return form, Departure(data["rule"], data["duration"].strip().upper(), data["job"].strip())


def _change(request: StaffRequest, said: Simulation) -> Change:
    """What was asked for, else what changes, else what is due."""
    wanted = request.GET.get("change", "")
    chosen = next((one for one in CHANGES if one == wanted), None)
    if chosen is not None:
        return chosen
    changes: tuple[Change, ...] = ("joining", "leaving")
    return next((one for one in changes if _count(said, one)), "due")


def _count(said: Simulation, change: Change) -> int:
    numbers = {
        "due": said.total,
        "archive": said.archive,
        "joining": said.joining,
        "leaving": said.leaving,
    }
    return numbers[change]


def _query(departure: Departure | None, change: Change) -> str:
    tried = (
        {"rule": departure.rule, "duration": departure.duration, "job": departure.job}
        if departure
        else {}
    )
    return urlencode({**tried, "change": change})


def _chips(
    policy: Policy, departure: Departure | None, said: Simulation, current: Change
) -> list[Chip]:
    address = reverse("console:simulation", args=[policy.pk])
    order: tuple[Change, ...] = ("joining", "leaving", "due", "archive")
    return [
        Chip(
            _CHANGES[one],
            f"{address}?{_query(departure, one)}#records",
            _count(said, one),
            one == current,
        )
        for one in order
    ]


def _named(rows: Sequence[Listed]) -> list[Row]:
    known = people.of_records([row.record_id for row in rows])
    return [Row(row, known[row.record_id], labels.rule(row.rule)) for row in rows]


def _tables(said: Simulation) -> list[Table]:
    countries = {key or _("unknown"): one for key, one in said.by("country").items()}
    categories = {labels.category(key): one for key, one in said.by("category").items()}
    jobs = {key or _("without a job"): one for key, one in said.by("job").items()}
    return [
        _table(_("By country"), countries),
        _table(_("By category"), categories),
        _table(_("By job"), jobs),
    ]


def _table(title: str, effects: dict[str, Effect]) -> Table:
    found = list(effects.items())
    return Table(title, found[:TOP], max(len(found) - TOP, 0))
