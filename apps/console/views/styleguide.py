"""Every component once, with each of its kinds: what a new page is made from."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse

from apps.console import figures
from apps.console.doors import page, staff_page, today
from apps.console.forms import HoldForm
from apps.console.staff import StaffRequest

TONES = ("", "good", "warn", "bad", "calm")


@staff_page()
def styleguide(request: StaffRequest) -> HttpResponse:
    day = today(request)
    sample = {day - timedelta(days=n): (n * 7) % 23 for n in range(30)}
    chart = figures.bars(figures.filled(sample, since=day - timedelta(days=29), until=day))
    wrong = HoldForm({}, prefix="wrong")
    return page(
        request,
        "console/styleguide.html",
        {"tones": TONES, "chart": chart, "form": HoldForm(), "wrong": wrong},
    )
