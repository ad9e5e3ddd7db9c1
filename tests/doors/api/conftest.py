"""Two companies with a machine each: whatever Nordlys has, Mallory's machine must not see."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from apps.connectors.port import RemoteCandidate
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company
from tests.doors.api.machine import Machine, machine


@dataclass(frozen=True)
class House:
    """Nordlys with Ada and three others on record; Vantage with one other person."""

    nordlys: Company
    vantage: Company
    ours: Machine
    theirs: Machine
    ada: Record
    records: tuple[UUID, ...]
    their_record: UUID


@pytest.fixture
def house(db: None) -> House:
    nordlys, vantage = cast.company(), cast.mallory()
    records = _take(nordlys, cast.ADA, *(cast.candidate(number) for number in range(3)))
    (other,) = _take(vantage, cast.candidate(99))
    return House(
        nordlys,
        vantage,
        machine(nordlys),
        machine(vantage),
        records[0],
        tuple(record.pk for record in records),
        other.pk,
    )


def _take(company: Company, *people: RemoteCandidate) -> list[Record]:
    with scope.enter(company.id):
        connection = cast.csv_connection()
        for person in people:
            intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[person])
        return list(Record.objects.order_by("pk"))
