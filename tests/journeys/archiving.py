"""What people and ticks do about the archive in a house (house.py)."""

from __future__ import annotations

from django.db import connections

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.connectors import services as connectors
from apps.connectors.port import Snapshot
from apps.core.actors import SYSTEM, Actor
from apps.erasure import archiving, claims
from apps.erasure import services as erasure
from apps.erasure.models import Archive, Plan, Step
from apps.retention import services as retention
from apps.retention.models import Policy
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company
from tests.journeys.house import House, expired, remote_of


def keeping(company: Company, period: str) -> None:
    """The DPO's period of the evidence archive from now on."""
    retention.override(
        actor=company.dpo_actor,
        policy_id=Policy.objects.get().pk,
        rule="rejected.archive",
        duration=period,
        reason="A claim may come.",
    )


def proposed(house: House, *indexes: int) -> tuple[Plan, list[Record]]:
    keeping(house.company, "P5Y")
    ids = expired(house, *indexes)
    house.sync()
    house.decide()
    records = [house.record(remote_id) for remote_id in ids]
    return house.propose(), records


def approve(house: House, plan: Plan) -> Plan:
    return erasure.approve(actor=house.company.dpo_actor, plan_id=plan.pk, accept_unreadable=True)


def archived(house: House, *indexes: int) -> list[Archive]:
    plan, records = proposed(house, *indexes)
    approve(house, plan)
    house.run()
    return [Archive.objects.get(record=record) for record in records]


def reader(house: House) -> Actor:
    person = cast.person(house.company.controller, "ari@nordlys.example", "archive_reader")
    return Actor("user", person.pk)


def everything_stored() -> str:
    """Every row of both databases as text."""
    rows = []
    for alias in ("default", "keys"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608 - names from the catalogue
                rows += [row[0] for row in cursor.fetchall()]
    return " ".join(rows).casefold()


def told(record: Record) -> list[str]:
    """What the ledger says of a record, the first entry first."""
    audit.integrate()
    rows = Entry.objects.filter(object_id=record.pk).order_by("index")
    return list(rows.values_list("verb", flat=True))


def dispose() -> int:
    return erasure.dispose_ended(actor=SYSTEM)


def states(*rows: Archive) -> list[str]:
    return [Archive.objects.get(pk=row.pk).state for row in rows]


def sealed_by_hand(house: House) -> tuple[Step, Snapshot]:
    """A step that a worker claimed and sealed for, and was not sent."""
    (step,) = claims.claim(
        actor=SYSTEM, connection_id=house.connection.pk, states=[Step.State.PLANNED]
    )
    remote_id = str(remote_of(1))
    adapter = connectors.adapter(house.connection)
    before = adapter.export([remote_id])[remote_id]
    refusal = archiving.seal(
        actor=SYSTEM, step=step, before=before, capabilities=adapter.capabilities
    )
    assert refusal is None
    return step, before
