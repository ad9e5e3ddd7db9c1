"""Rows for generated worlds: many odd cases that no ATS would send in one page.

Everything else in these tests goes through services. Here hypothesis wants people merged in
chains, resurrected, held, with dates missing or equal, a hundred times a second.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.consents.models import ConsentEvent, NoticeGiven
from apps.core import scope
from apps.retention import held
from apps.retention.hold_rules import Query
from apps.retention.meanings import Entry
from apps.retention.models import (
    Cell,
    ErasureRequirement,
    Hold,
    HoldCase,
    Mapping,
    Period,
    Policy,
    Restriction,
)
from apps.subjects.models import Application, Contact, Record, Standing, Subject


@dataclass(frozen=True)
class AnApplication:
    state: str
    prospect: bool = False
    job: str = "77"
    country: str = "FR"
    applied: tuple[date | None, str] = (None, "missing")
    closed: tuple[date | None, str] = (None, "missing")
    notified: tuple[date | None, str] = (None, "missing")
    #: Status, stage and reason in the ATS's own words.
    words: tuple[str, str, str] = ("", "", "")


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
    contacted: tuple[date, ...] = ()
    informed: date | None = None
    restricted: bool = False
    erasure: date | None = None


@dataclass(frozen=True)
class ACell:
    country: str
    rule: str
    trigger: str
    #: (active_from, duration), in the order they were written.
    periods: tuple[tuple[date, str], ...] = ()
    job: str = ""
    outlives: bool = False


@dataclass(frozen=True)
class World:
    people: tuple[APerson, ...] = ()
    cells: tuple[ACell, ...] = ()
    #: Of a legal hold; `away` adds "at the other connection" to it.
    query: Query | None = None
    away: bool = False
    #: What the words of the home connection mean.
    mapping: tuple[Entry, ...] = ()


def build(world: World, *, by: User) -> None:
    """Write a world into the scope: the home connection is in France, the other nowhere."""
    here = Connection.objects.create(name="home", vendor="csv", country="FR")
    there = Connection.objects.create(name="away", vendor="csv", country="")
    _policy(world.cells)
    _mapping(here, world.mapping, by)
    if world.query is not None:
        query = replace(world.query, connection_id=there.pk) if world.away else world.query
        _case(by, 1_000, query)
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
            case = _case(by, len(ids))
            Hold.objects.create(case=case, subject=subject, sealed_reason=b"-", placed_by=by)
        _rights(subject, person, by)
        for record in person.records:
            _record(subject, here if record.at_home else there, record)


def _mapping(connection: Connection, entries: tuple[Entry, ...], by: User) -> None:
    if entries:
        listed = [[one.kind, one.word, one.meaning] for one in entries]
        Mapping.objects.create(connection=connection, version=1, entries=[], made_by=by)
        Mapping.objects.create(connection=connection, version=2, entries=listed, made_by=by)


def _standing(connection: Connection, one: AnApplication) -> Standing | None:
    if not any(one.words):
        return None
    status, stage, reason = one.words
    found, _made = Standing.objects.get_or_create(
        controller_id=scope.current(),
        connection=connection,
        status=status,
        stage=stage,
        reason=reason,
        state=one.state,
        prospect=one.prospect,
    )
    return found


def _case(by: User, number: int, query: Query | None = None) -> HoldCase:
    asked: Any = {} if query is None else held.as_columns(query)
    case: HoldCase = HoldCase.objects.create(
        number=number,
        sealed_matter=b"-",
        sealed_reason=b"-",
        owner=by,
        opened_by=by,
        review_on=date(2030, 1, 1),
        by_query=query is not None,
        **asked,
    )
    return case


def _rights(subject: Subject, person: APerson, by: User) -> None:
    for on in person.contacted:
        Contact.objects.create(subject=subject, happened_on=on, kind="candidate.replied")
    if person.informed is not None:
        NoticeGiven.objects.create(subject=subject, given_on=person.informed, notice="v1")
    if person.restricted:
        Restriction.objects.create(subject=subject, ground="claims", placed_by=by)
    if person.erasure is not None:
        ErasureRequirement.objects.create(
            subject=subject, ground="objection", required_on=person.erasure, required_by=by
        )


def _policy(cells: tuple[ACell, ...]) -> None:
    policy = Policy.objects.create(
        pack="fr-cnil", pack_version="0", country="FR", number=1, digest=b"-", rules=[]
    )
    for one in cells:
        cell = Cell.objects.create(
            country=one.country,
            category="-",
            rule=one.rule,
            job=one.job,
            trigger=one.trigger,
            outlives=one.outlives,
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
            standing=_standing(connection, application),
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
