"""Rows for generated worlds: many odd cases that no ATS would send in one page.

Everything else in these tests goes through services. Here hypothesis wants people merged in
chains, resurrected, held, with dates missing or equal, a hundred times a second.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.retention.models import Cell, Hold, Period, Policy
from apps.subjects.models import Application, Record, Subject


@dataclass(frozen=True)
class AnApplication:
    state: str
    prospect: bool = False
    job: str = "77"
    country: str = "FR"
    applied: tuple[date | None, str] = (None, "missing")
    closed: tuple[date | None, str] = (None, "missing")
    notified: tuple[date | None, str] = (None, "missing")


@dataclass(frozen=True)
class ARecord:
    state: str = "present"
    origin: str = "applied"
    at_home: bool = True
    version: int = 1
    collected: tuple[date | None, str] = (None, "missing")
    seen: date = date(2026, 1, 1)
    applications: tuple[AnApplication, ...] = ()


@dataclass(frozen=True)
class APerson:
    records: tuple[ARecord, ...] = ()
    #: How many people before this one to merge into; 0: nobody.
    merged: int = 0
    said: tuple[tuple[str, date], ...] = ()
    held: bool = False


@dataclass(frozen=True)
class ACell:
    country: str
    rule: str
    trigger: str
    #: (active_from, duration), in the order they were written.
    periods: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True)
class World:
    people: tuple[APerson, ...] = ()
    cells: tuple[ACell, ...] = ()


def build(world: World, *, by: User) -> None:
    """Write a world into the scope: the home connection is in France, the other nowhere."""
    here = Connection.objects.create(name="home", vendor="csv", country="FR")
    there = Connection.objects.create(name="away", vendor="csv", country="")
    _policy(world.cells)
    ids: list[uuid.UUID] = []
    for person in world.people:
        target = ids[-person.merged] if 0 < person.merged <= len(ids) else None
        subject = Subject.objects.create(merged_into_id=target)
        ids.append(subject.pk)
        for number, (state, on) in enumerate(person.said, 1):
            ConsentEvent.objects.create(
                subject=subject,
                purpose="talent_pool",
                state=state,
                source="api",
                notice="v1",
                effective_on=on,
                sequence=number,
            )
        if person.held:
            Hold.objects.create(
                subject=subject, sealed_reason=b"-", placed_by=by, review_on=date(2030, 1, 1)
            )
        for record in person.records:
            _record(subject, here if record.at_home else there, record)


def _policy(cells: tuple[ACell, ...]) -> None:
    policy = Policy.objects.create(
        pack="fr-cnil", pack_version="0", country="FR", number=1, digest=b"-", rules=[]
    )
    for one in cells:
        cell = Cell.objects.create(
            country=one.country, category="-", rule=one.rule, trigger=one.trigger
        )
        for active_from, duration in one.periods:
            Period.objects.create(
                cell=cell, policy=policy, duration=duration, active_from=active_from
            )


def _record(subject: Subject, connection: Connection, one: ARecord) -> None:
    record = Record.objects.create(
        subject=subject,
        connection=connection,
        remote_digest=uuid.uuid4().bytes,
        state=one.state,
        origin=one.origin,
        version=one.version,
        collected_on=one.collected[0],
        collected_quality=one.collected[1],
        seen_at=datetime.combine(one.seen, time(12), UTC),
    )
    for application in one.applications:
        Application.objects.create(
            controller_id=scope.current(),
            record=record,
            remote_digest=uuid.uuid4().bytes,
            state=application.state,
            prospect=application.prospect,
            job=application.job,
            country=application.country,
            applied_on=application.applied[0],
            applied_quality=application.applied[1],
            closed_on=application.closed[0],
            closed_quality=application.closed[1],
            rejected_notified_on=application.notified[0],
            rejected_notified_quality=application.notified[1],
        )
