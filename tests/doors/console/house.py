"""Nordlys with a policy in force and a few records; Vantage, whose DPO Mallory sees nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.test import Client

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.connectors.port import RemoteCandidate
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import services as retention
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import Company

#: Everybody's processes ended in March 2026: three months later, their records are due.
IN_FORCE = date(2026, 1, 1)


@dataclass(frozen=True)
class House:
    nordlys: Company
    vantage: Company
    connection: Connection
    records: tuple[UUID, ...]
    theirs: UUID

    @property
    def ada(self) -> UUID:
        return self.records[0]


def stock(
    company: Company, *people: RemoteCandidate, name: str = "Export"
) -> tuple[Connection, tuple[UUID, ...]]:
    """A connection with these people, under a policy two of the company's people signed."""
    with scope.enter(company.id):
        policy = retention.load_policy(actor=company.dpo_actor, pack="fr-cnil")
        retention.sign(actor=company.dpo_actor, policy_id=policy.pk)
        retention.sign(actor=company.recops_actor, policy_id=policy.pk)
        retention.activate(actor=company.dpo_actor, policy_id=policy.pk, active_from=IN_FORCE)
        for rule in ("rejected.archive", "withdrawn.archive"):
            retention.override(
                actor=company.dpo_actor,
                policy_id=policy.pk,
                rule=rule,
                duration="",
                reason="No archive is kept in these tests.",
            )
        connection = cast.csv_connection(name)
        for person in people:
            intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[person])
        retention.refresh(actor=SYSTEM)
        found = Record.objects.order_by("pk").values_list("pk", flat=True)
        return connection, tuple(found)


def build() -> House:
    """Nordlys with Ada and three others, who are due; Vantage with one."""
    nordlys, vantage = cast.company(), cast.mallory()
    others = [cast.candidate(number) for number in range(3)]
    connection, records = stock(nordlys, cast.ADA, *others)
    _, theirs = stock(vantage, cast.candidate(99))
    return House(nordlys, vantage, connection, records, theirs[0])


def browser(user: User, language: str = "en") -> Client:
    """Signed in, as a browser would be after the sign-in page; pages in English by default."""
    client = Client(headers={"accept-language": language}, raise_request_exception=True)
    client.force_login(user)
    client.cookies["django_language"] = language
    return client


def text(answer: Any) -> str:
    """What a page says."""
    return str(answer.content.decode())
