"""Connections: what each ATS allows, when it was last read, and what to do when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count
from django.http import HttpResponse

from apps.connectors.models import Connection, Vendor
from apps.console import advice, badges, words
from apps.console.doors import page, staff_page
from apps.console.staff import StaffRequest
from apps.subjects.models import Record


@dataclass(frozen=True, slots=True)
class Row:
    connection: Connection
    badge: badges.Badge
    advice: advice.Words
    records: int
    grace: str
    imports: bool


@staff_page()
def connections(request: StaffRequest) -> HttpResponse:
    counts = _counts()
    rows = [_row(item, counts.get(item.pk, 0)) for item in Connection.objects.order_by("name")]
    return page(request, "console/connections.html", {"rows": rows})


def _counts() -> dict[UUID, int]:
    kept = Record.objects.exclude(state=Record.State.ERASED).order_by()
    return dict(kept.values_list("connection_id").annotate(n=Count("pk")))


def _row(item: Connection, records: int) -> Row:
    failing = item.state == Connection.State.FAILING
    return Row(
        connection=item,
        badge=badges.of("connection", item.state),
        advice=advice.of_code(item.failure) if failing else "",
        records=records,
        grace=words.lasting(item.grace_seconds),
        imports=item.vendor == Vendor.CSV,
    )
