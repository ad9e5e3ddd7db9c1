"""The page of what stays: protected figures, and the same as a file."""

from __future__ import annotations

from datetime import date

from django.test import Client

from apps.core import scope
from apps.subjects.models import Tally
from tests.doors.console.house import House, browser, text

MONTH = date(2026, 3, 1)


def _figures(house: House) -> None:
    counted = [
        ("region", "FR", "rejected", 40),
        ("region", "FR", "hired", 3),
        ("region", "BE", "rejected", 30),
        ("region", "BE", "hired", 30),
        ("stage", "=HYPERLINK(1)", "rejected", 50),
        ("source", "applied", "rejected", 103),
    ]
    with scope.enter(house.nordlys.id):
        for dimension, value, outcome, count in counted:
            Tally.objects.create(
                month=MONTH, dimension=dimension, value=value, outcome=outcome, count=count
            )


def test_few_are_hidden_on_the_page_and_in_the_file(house: House, rik: Client) -> None:
    assert "No figures yet" in text(rik.get("/figures/"))
    _figures(house)
    page = text(rik.get("/figures/"))
    assert "March 2026" in page
    assert "4 numbers are hidden" in page
    file = rik.get("/figures/export/?month=2026-03-01").content.decode()
    lines = file.splitlines()
    assert "2026-03-01,region,FR,hired," in lines
    assert "2026-03-01,region,FR,*,43" in lines
    assert "2026-03-01,stage,'=HYPERLINK(1),rejected,50" in lines


def test_mallory_sees_nothing_of_it(house: House) -> None:
    _figures(house)
    mallory = browser(house.vantage.dpo)
    assert "No figures yet" in text(mallory.get("/figures/"))
    assert "FR" not in mallory.get("/figures/export/?month=2026-03-01").content.decode()
