"""The people of the tests, all invented.

Dora is the DPO and Rik the RecOps person of Nordlys SAS; Olivia (Ola) operates the
installation; Mallory is the DPO of another legal entity and must see nothing of Nordlys.
Ada is a candidate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.connectors.models import Connection
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate
from apps.controllers import services as controllers
from apps.controllers.models import Controller
from apps.core import scope
from apps.core.actors import SYSTEM, Actor


@dataclass(frozen=True)
class Company:
    """A legal entity with its DPO and its RecOps person."""

    controller: Controller
    dpo: User
    recops: User

    @property
    def id(self) -> UUID:
        return self.controller.pk

    @property
    def dpo_actor(self) -> Actor:
        return Actor("user", self.dpo.pk)

    @property
    def recops_actor(self) -> Actor:
        return Actor("user", self.recops.pk)


def company(name: str = "Nordlys", *, dpo: str = "dora", recops: str = "rik") -> Company:
    """A legal entity in France, with people in their roles."""
    controller = controllers.register(
        actor=SYSTEM,
        name=f"{name} SAS",
        country="FR",
        time_zone="Europe/Paris",
        dpo_name=f"{dpo.title()} {name}",
        dpo_email=f"{dpo}@{name.lower()}.example",
    )
    return Company(
        controller,
        person(controller, f"{dpo}@{name.lower()}.example", Role.DPO),
        person(controller, f"{recops}@{name.lower()}.example", Role.RECOPS),
    )


def person(controller: Controller, email: str, *roles: str) -> User:
    """A member of staff with these roles for this controller."""
    name = email.split("@", maxsplit=1)[0].title()
    user = accounts.invite(actor=SYSTEM, email=email, name=name, password="long enough 42")
    with scope.enter(controller.pk):
        for role in roles:
            accounts.grant(actor=SYSTEM, user_id=user.pk, role=role)
    return user


def mallory() -> Company:
    """Another controller's people: they must see nothing."""
    return company("Vantage", dpo="mallory", recops="mo")


def csv_connection(name: str = "Export") -> Connection:
    """A connection of the scope that needs no network."""
    return Connection.objects.create(name=name, vendor="csv", country="FR")


ADA = RemoteCandidate(
    remote_id="4711",
    updated_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    first_name="Ada",
    last_name="Quillfeather",
    emails=("ada.quillfeather@example.org",),
    phones=("+33 6 39 98 00 01",),
    collected=Dated(datetime(2026, 1, 5, 9, tzinfo=UTC), "exact"),
    applications=(
        RemoteApplication(
            remote_id="9001",
            state="rejected",
            job="77",
            country="FR",
            applied=Dated(datetime(2026, 1, 5, 9, tzinfo=UTC), "exact"),
            closed=Dated(datetime(2026, 3, 2, 9, tzinfo=UTC), "exact"),
            rejected_notified=Dated(datetime(2026, 3, 2, 9, tzinfo=UTC), "approximate"),
        ),
    ),
)


def candidate(number: int, **changes: object) -> RemoteCandidate:
    """Somebody else than Ada, with an e-mail of their own."""
    application = replace(ADA.applications[0], remote_id=f"9{number:05d}")
    base = replace(
        ADA,
        remote_id=f"5{number:05d}",
        last_name=f"Tarnholt{number}",
        emails=(f"tarnholt{number}@example.net",),
        phones=(),
        applications=(application,),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # named by the caller
