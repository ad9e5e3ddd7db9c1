"""Dates and delays as people say them, in both languages."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.utils import translation

from apps.console import figures, words

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "due today"),
        (1, "1 day left"),
        (59, "59 days left"),
        (60, "in 2 months"),
        (800, "in 2 years"),
        (-1, "1 day late"),
        (-59, "59 days late"),
        (-60, "2 months late"),
        (-2200, "6 years late"),
    ],
)
def test_a_due_date_is_said_in_words(days: int, said: str) -> None:
    with translation.override("en"):
        assert words.due(TODAY + timedelta(days=days), TODAY) == said


def test_the_first_of_a_month_is_written_as_the_french_do() -> None:
    with translation.override("fr"):
        assert words.day(date(2026, 11, 1)) == "1er novembre 2026"
        assert words.day(date(2026, 11, 11)) == "11 novembre 2026"
        assert words.weekday(date(2026, 11, 1)) == "Dimanche 1er novembre 2026"
    with translation.override("en"):
        assert words.day(date(2026, 11, 1)) == "1 November 2026"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (65, "1 min 05 s"),
        (3_600, "1 h"),
        (83_400, "23 h 10 min"),
    ],
)
def test_a_delay_is_short_and_never_negative(seconds: int, said: str) -> None:
    assert words.lasting(seconds).replace(words.NARROW, " ") == said


def test_a_reference_is_the_end_of_the_id() -> None:
    assert words.reference(UUID("01900000-0000-7000-8000-0000deadbeef")) == "DEADBEEF"


def test_a_chart_has_a_bar_for_every_day_and_fits_its_frame() -> None:
    counted = {TODAY: 40, TODAY - timedelta(days=29): 1}
    chart = figures.bars(figures.filled(counted, since=TODAY - timedelta(days=29), until=TODAY))
    assert (len(chart.bars), chart.total, chart.highest) == (30, 41, 40)
    assert [bar.day for bar in chart.told] == [TODAY - timedelta(days=29), TODAY]
    assert all(
        0 <= bar.y <= chart.floor and bar.y + bar.height <= chart.floor for bar in chart.bars
    )
    assert max(bar.x for bar in chart.bars) + chart.bar_width <= chart.width
