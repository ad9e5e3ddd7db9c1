"""Browsers of Dora, Rik and Mallory before the house they share."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import cast
from tests.doors.console.house import House, browser, stock


@pytest.fixture
def house(db: None) -> House:
    nordlys, vantage = cast.company(), cast.mallory()
    others = [cast.candidate(number) for number in range(3)]
    connection, records = stock(nordlys, cast.ADA, *others)
    _, theirs = stock(vantage, cast.candidate(99))
    return House(nordlys, vantage, connection, records, theirs[0])


@pytest.fixture
def dora(house: House) -> Client:
    return browser(house.nordlys.dpo)


@pytest.fixture
def rik(house: House) -> Client:
    return browser(house.nordlys.recops)


@pytest.fixture
def mallory(house: House) -> Client:
    return browser(house.vantage.dpo)
