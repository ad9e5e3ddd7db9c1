"""Browsers of Dora, Rik and Mallory before the house they share."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests.doors.console.house import House, browser, build
from tests.standing import standing


@pytest.fixture(scope="module")
def _house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with standing(django_db_blocker, build) as house:
        yield house


@pytest.fixture
def house(_house: House, db: None) -> House:
    return copy.deepcopy(_house)


@pytest.fixture
def dora(house: House) -> Client:
    return browser(house.nordlys.dpo)


@pytest.fixture
def rik(house: House) -> Client:
    return browser(house.nordlys.recops)


@pytest.fixture
def mallory(house: House) -> Client:
    return browser(house.vantage.dpo)
