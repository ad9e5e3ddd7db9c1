"""Two companies with a machine each: whatever Nordlys has, Mallory's machine must not see."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from apps.connectors.models import Connection
from apps.connectors.port import Dated
from apps.core import scope
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company
from tests.doors.api.machine import Machine, machine
from tests.doors.console.house import stock
from tests.standing import standing


@dataclass(frozen=True)
class House:
    """Nordlys with Ada and three others, who are due, and one in process; Vantage with one."""

    nordlys: Company
    vantage: Company
    ours: Machine
    theirs: Machine
    connection: Connection
    ada: Record
    records: tuple[UUID, ...]
    in_process: UUID
    their_record: UUID


def _build() -> House:
    nordlys, vantage = cast.company(), cast.mallory()
    due = (cast.ADA, *(cast.candidate(number) for number in range(3)))
    living = replace(cast.ADA.applications[0], remote_id="9009", state="open", closed=Dated())
    connection, found = stock(nordlys, *due, cast.candidate(9, applications=(living,)))
    _connection, (other,) = stock(vantage, cast.candidate(99))
    with scope.enter(nordlys.id):
        ada = Record.objects.get(pk=found[0])
    return House(
        nordlys,
        vantage,
        machine(nordlys),
        machine(vantage),
        connection,
        ada,
        found,
        found[-1],
        other,
    )


@pytest.fixture(scope="module")
def _house(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with standing(django_db_blocker, _build) as house:
        yield house


@pytest.fixture
def house(_house: House, db: None) -> House:
    return copy.deepcopy(_house)
