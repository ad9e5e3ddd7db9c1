"""The day itself, small: what people do in the console afterwards breaks no claim of the table."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pytest_django.live_server_helper import LiveServer

from apps.connectors.fakes.greenhouse import people
from apps.connectors.fakes.greenhouse.config import Config
from apps.connectors.fakes.greenhouse.server import start
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import running
from apps.erasure import services as erasure
from apps.erasure.models import Plan, Step
from apps.retention import services as retention
from apps.retention.models import Hold
from apps.subjects import sync
from apps.subjects.models import Record
from apps.subjects.sync import SyncResult
from demo.day import __main__ as day
from demo.day import preparation, story, table
from demo.day.preparation import Company
from demo.installation import SEED, Account, Installation

pytestmark = pytest.mark.django_db(transaction=True)

CANDIDATES = 36


@dataclass
class Demo:
    home: Installation
    company: Company

    def tell(self) -> table.Table:
        """As `demo.day` does, with the worker's tick in the same thread; no dumps of databases."""
        connection = preparation.prepare(self.company)
        day._announce(self.home, self.company.account, str(connection.pk))
        story.synchronise(self.company, connection, lambda _: None)
        everyone = story.cases(self.home, self.company.account)
        story.consents_given(self.company, connection, everyone)
        story.holds_placed(self.company, connection, everyone)
        story.decide(self.company)
        day._make_faulty(self.home, self.company.account, story.faulty(everyone))
        story.plan_and_approve(self.company)
        for _ in story.follow(self.company, patience=60):
            with scope.enter(self.company.controller.pk):
                running.advance_all(actor=SYSTEM)
        return self.look()

    def look(self) -> table.Table:
        found = table.Table()
        table.count(found, self.home, [self.company])
        table.check_accounts(found, self.home, [self.company])
        return found

    def propose(self, *, again: bool = False) -> list[Plan]:
        return erasure.propose(
            actor=self.company.recops, as_of=clock.today("Europe/Paris"), again=again
        )


@pytest.fixture
def demo(
    transactional_db: None,
    live_server: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Demo]:
    monkeypatch.setattr(preparation, "GRACE_SECONDS", 0)
    monkeypatch.setattr(preparation, "SETTLE_SECONDS", 1)
    today = datetime.now(UTC).date()
    config = Config(
        state=tmp_path / "ats.sqlite",
        client_id="demo",
        client_secret="s3cret",
        webhook_secret="hook-hook",
        limit=100_000,
        seed=SEED,
        candidates=CANDIDATES,
        today=today,
    )
    with start(config) as fake:
        port = int(fake.url.rpartition(":")[2])
        account = Account(
            "Nordlys", 0, CANDIDATES, port, "demo", "s3cret", "hook-hook", fake.control_token
        )
        home = Installation(
            tmp_path,
            int(live_server.url.rpartition(":")[2]),
            {"seeded_on": today.isoformat(), "connections": {}, "accounts": []},
        )
        dpo, recops = preparation.people()
        yield Demo(home, preparation._company(account, dpo, recops))


def test_what_people_do_in_the_console_breaks_no_claim(demo: Demo) -> None:
    first = demo.tell()
    assert first.broken == []
    assert (first.residual, first.unverifiable, first.held) == (3, 2, 3)
    assert first.verified > 0
    assert first.due == first.approved == first.verified + 5
    story.synchronise(demo.company, preparation.prepare(demo.company), lambda _: None)
    story.decide(demo.company)
    with scope.enter(demo.company.controller.pk):
        _one_more_hold(demo)
        released = _release(demo)
        (plan,) = demo.propose()
        erasure.refuse(actor=demo.company.dpo, plan_id=plan.pk)
        (again,) = demo.propose(again=True)
        Connection.objects.create(name="Export", vendor="csv", country="FR")
    second = demo.tell()
    assert second.broken == []
    assert (second.residual, second.unverifiable) == (3, 2)
    assert (second.held, second.set_aside) == (3, 0)
    assert second.verified == first.verified + 1
    with scope.enter(demo.company.controller.pk):
        assert Step.objects.filter(plan=again, state="residual").count() == story.IGNORED
        assert not Hold.objects.filter(subject_id=released, released_at=None).exists()


def _one_more_hold(demo: Demo) -> None:
    held = Hold.objects.values("subject_id")
    # Somebody no erasure was ever begun for: of the others, parts are gone from the ATS.
    untouched = Record.objects.exclude(pk__in=Step.objects.values("record_id"))
    row = untouched.filter(state="present").exclude(subject_id__in=held).earliest("pk")
    retention.place_hold(
        actor=demo.company.dpo,
        subject_id=row.subject_id,
        reason="Another dispute.",
        review_on=clock.today("Europe/Paris") + timedelta(days=30),
    )


def _release(demo: Demo) -> UUID:
    hold = Hold.objects.earliest("pk")
    retention.release_hold(actor=demo.company.dpo, hold_id=hold.pk)
    subject_id: UUID = hold.subject_id
    return subject_id


def test_what_does_not_hold_is_said(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.tell()
    with scope.enter(demo.company.controller.pk):
        _release(demo)
        (plan,) = demo.propose()
        erasure.refuse(actor=demo.company.dpo, plan_id=plan.pk)
    phone = people.person(SEED, _erased_index(demo)).digits[0]
    dump = table._dump(demo.company.account)
    monkeypatch.setattr(table, "_dump", lambda _: dump + f"\n1\t0{phone}\t2".encode())
    found = demo.look()
    assert (found.set_aside, found.traces_found) == (1, 1)
    assert found.broken == [
        # Refused, so it waits: the next run proposes it anew.
        "Nordlys: 1 due records are not erased",
        "traces of 1 people in the account of Nordlys",
    ]


def _erased_index(demo: Demo) -> int:
    everyone = story.cases(demo.home, demo.company.account)
    with scope.enter(demo.company.controller.pk):
        present = story.records_of(preparation.connection_of(demo.company), everyone)
    return min({case.index for case in everyone} - set(present))


def test_a_fault_on_others_than_promised_breaks_the_promise(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = story.cases(demo.home, demo.company.account)
    other = [case for case in everyone if case.expired][-1]
    fault: dict[str, object] = {
        "name": "silent_ignore",
        "candidate_ids": [other.remote_id],
        "fields": ["notes"],
    }
    monkeypatch.setattr(
        day, "_make_faulty", lambda *_: day._control(demo.company.account, "faults", fault)
    )
    assert demo.tell().broken == [
        "Nordlys: a record is erased that must be residual",
        "Nordlys: a record is erased that must be unverifiable",
        "Nordlys: 1 residual steps nobody promised",
        "Nordlys: 1 due records are not erased",
    ]


def test_the_sync_reports_what_has_arrived(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = preparation.prepare(demo.company)
    real, halfway = sync.sync, threading.Event()
    reports: list[float] = []

    def slow(**values: Any) -> SyncResult:
        done = real(**values)
        assert halfway.wait(20)
        return done

    def report(fraction: float) -> None:
        reports.append(fraction)
        halfway.set()

    monkeypatch.setattr(sync, "sync", slow)
    story.synchronise(demo.company, connection, report)
    assert len(reports) >= 2
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
