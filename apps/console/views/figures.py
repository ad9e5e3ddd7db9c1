"""What stays of who was erased: figures of months that are over, from which nobody can be told."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.connectors.csv_import.tables import FORMULA
from apps.console import figures
from apps.console.doors import page, staff_page
from apps.console.staff import StaffRequest
from apps.subjects import tallies
from apps.subjects.models import Application, Record, Tally
from apps.subjects.suppression import K

#: Months that the picture shows.
MONTHS = 24
UNKNOWN = gettext_lazy("not known")
SPANS: Mapping[str, str | Promise] = {
    "7": gettext_lazy("up to 7 days"),
    "14": gettext_lazy("8 to 14 days"),
    "30": gettext_lazy("15 to 30 days"),
    "60": gettext_lazy("31 to 60 days"),
    "90": gettext_lazy("61 to 90 days"),
    "more": gettext_lazy("more than 90 days"),
}
_OUTCOMES = dict(Application.State.choices)
_SOURCES: Mapping[str, str | Promise] = dict(Record.Origin.choices)
_NAMES = dict(Tally.Dimension.choices)


@dataclass(frozen=True, slots=True)
class Shown:
    name: str | Promise
    outcomes: list[str | Promise]
    rows: list[tuple[str | Promise, tuple[int | None, ...]]]
    totals: tuple[int | None, ...]
    hidden: int


@staff_page()
def show(request: StaffRequest) -> HttpResponse:
    months = tallies.months()
    month = _asked(request, months)
    context = {
        "months": months[:MONTHS],
        "month": month,
        "tables": [_shown(one) for one in tallies.tables(month)] if month else [],
        "chart": _chart(months),
        "k": K,
    }
    return page(request, "console/figures.html", context)


@staff_page()
def export(request: StaffRequest) -> HttpResponse:
    """The same figures as a file, hidden numbers left empty."""
    month = _asked(request, tallies.months())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"erased-{month.isoformat()[:7]}.csv" if month else "erased.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(["month", "dimension", "value", "outcome", "records"])
    for table in tallies.tables(month) if month else []:
        if not table.rows:
            continue
        lines = [*((row.value, row.counts) for row in table.rows), ("*", table.totals)]
        for value, counts in lines:
            for outcome, count in zip((*table.outcomes, "*"), counts, strict=True):
                said = "" if count is None else count
                writer.writerow([month, table.dimension, _harmless(value), outcome, said])
    return response


def _harmless(value: str) -> str:
    """The ATS's own word, which no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _asked(request: StaffRequest, months: list[date]) -> date | None:
    wanted = request.GET.get("month", "")
    found = next((month for month in months if month.isoformat() == wanted), None)
    return found or (months[0] if months else None)


def _chart(months: list[date]) -> figures.Bars | None:
    """A bar a month; a month of fewer than k is a hairline, as one without any is."""
    if not months:
        return None
    counted = tallies.per_month()
    return figures.bars([(month, counted.get(month, 0)) for month in months[:MONTHS][::-1]])


def _shown(table: tallies.Table) -> Shown:
    return Shown(
        _NAMES[table.dimension],
        [_OUTCOMES.get(one, one) for one in table.outcomes],
        [(_value(table.dimension, row.value), row.counts) for row in table.rows],
        table.totals,
        table.hidden,
    )


def _value(dimension: str, value: str) -> str | Promise:
    if not value:
        return _("spontaneous application") if dimension == Tally.Dimension.JOB else UNKNOWN
    if dimension == Tally.Dimension.DECISION:
        return SPANS.get(value, value)
    if dimension == Tally.Dimension.SOURCE:
        return _SOURCES.get(value, value)
    return value
