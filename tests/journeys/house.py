"""A house for the journeys: a legal entity, a fake Greenhouse over HTTP, Lethe's own doors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from apps.connectors import selectors
from apps.connectors import services as connectors
from apps.connectors.fakes.greenhouse import portfolio
from apps.connectors.fakes.greenhouse.config import Config
from apps.connectors.fakes.greenhouse.server import Server, start
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import running
from apps.erasure import services as erasure
from apps.erasure.models import Plan, Step
from apps.retention import services as retention
from apps.subjects import sync
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company

SEED = 77
SECRETS = {"client_id": "journey", "client_secret": "s3cret-s3cret", "sub": "1"}
WEBHOOK_SECRET = "hook-hook-hook"


@dataclass
class House:
    """What a journey walks through. Its methods are what people and ticks do."""

    company: Company
    fake: Server
    connection: Connection

    def control(self, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
        answer = httpx.request(
            method,
            f"{self.fake.url}/_control/{what}",
            json=body,
            headers={"Authorization": f"Bearer {self.fake.control_token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    def fault(self, name: str, ids: Sequence[int] | None = None, **settings: Any) -> None:
        body = {"name": name, "candidate_ids": None if ids is None else list(ids), **settings}
        self.control("POST", "faults", body)

    def effects(self) -> list[dict[str, Any]]:
        """Every call the fake says had an effect, oldest first."""
        return [call for call in self.control("GET", "journal") if call["effect"]]

    def sync(self) -> sync.SyncResult:
        return sync.sync(actor=SYSTEM, connection_id=self.connection.pk)

    def decide(self) -> None:
        while retention.refresh(actor=SYSTEM):
            pass

    def record(self, remote_id: int) -> Record:
        digest = selectors.remote_digest(self.connection.pk, str(remote_id))
        return Record.objects.get(remote_digest=digest)

    def propose(self, **options: Any) -> Plan:
        as_of = clock.today("Europe/Paris")
        (plan,) = erasure.propose(actor=self.company.recops_actor, as_of=as_of, **options)
        return plan

    def approve(self, plan: Plan) -> Plan:
        return erasure.approve(actor=self.company.dpo_actor, plan_id=plan.pk)

    def run(self, seconds: float = 30) -> None:
        """The worker's tick, until every step has ended."""
        stop = clock.now() + timedelta(seconds=seconds)
        while Step.objects.filter(state__in=("planned", "claimed", "sent")).exists():
            assert clock.now() < stop, list(Step.objects.values_list("state", "code"))
            running.advance_all(actor=SYSTEM)

    def outcome(self, remote_id_or_record: int | Record) -> Step:
        record = (
            self.record(remote_id_or_record)
            if isinstance(remote_id_or_record, int)
            else remote_id_or_record
        )
        return Step.objects.filter(record_id=record.pk).latest("pk")


@pytest.fixture
def fake(tmp_path: Path, live_server: LiveServer) -> Iterator[Server]:
    config = Config(
        state=tmp_path / "ats.sqlite",
        client_id=SECRETS["client_id"],
        client_secret=SECRETS["client_secret"],
        webhook_secret=WEBHOOK_SECRET,
        limit=100_000,
        seed=SEED,
        today=datetime.now(UTC).date(),
    )
    with start(config) as server:
        yield server


@pytest.fixture
def house(transactional_db: None, fake: Server, live_server: LiveServer) -> Iterator[House]:
    company = cast.company()
    with scope.enter(company.id):
        connection = connectors.connect(
            actor=company.dpo_actor,
            name="Greenhouse",
            vendor="greenhouse",
            base_url=fake.url,
            auth_url=f"{fake.url}/token",
            credentials={**SECRETS, "webhook_secret": WEBHOOK_SECRET},
            country="FR",
            pool_tags=["vivier"],
            grace_seconds=0,
            settle_seconds=1,
        )
        made = House(company, fake, connection)
        url = f"{live_server.url}/webhooks/greenhouse/{connection.pk}/"
        made.control("POST", "settings", {"webhook_url": url})
        _policy(company)
        yield made


def _policy(company: Company) -> None:
    policy = retention.load_policy(actor=company.dpo_actor, pack="fr-cnil")
    retention.sign(actor=company.dpo_actor, policy_id=policy.pk)
    retention.sign(actor=company.recops_actor, policy_id=policy.pk)
    today = clock.today("Europe/Paris")
    retention.activate(actor=company.dpo_actor, policy_id=policy.pk, active_from=today)
    retention.override(
        actor=company.dpo_actor,
        policy_id=policy.pk,
        rule="rejected.archive",
        duration="",
        reason="No archive is kept here.",
    )


def expired(house: House, *indexes: int) -> list[int]:
    """Invented candidates rejected more than three months ago, in the fake; their remote ids."""
    today = datetime.now(UTC).date()
    for index in indexes:
        house.control("POST", "candidates", {"index": index, "kind": "rejected_months_ago"})
    return [portfolio.case(SEED, index, today).remote_id for index in indexes]


def planned(house: House, *indexes: int) -> tuple[Plan, list[Record]]:
    """Expired candidates, taken in, decided and put into an approved plan."""
    ids = expired(house, *indexes)
    house.sync()
    house.decide()
    records = [house.record(remote_id) for remote_id in ids]
    return house.approve(house.propose()), records


def remote_of(index: int) -> int:
    return portfolio.case(SEED, index, clock.now().date()).remote_id
