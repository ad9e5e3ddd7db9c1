"""What the experiments share: a legal entity, the superuser for setting up, stop watches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.controllers import services as controllers
from apps.core import scope
from apps.core.actors import SYSTEM, Actor
from tests.bench.place import ADMIN, HOME


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    dpo: Actor
    recops: Actor


def home() -> Path:
    """A directory that goes with the installation."""
    return Path(os.environ[HOME])


@contextmanager
def admin(dbname: str = "lethe") -> Iterator[psycopg.Connection]:
    """The superuser: loads and empties tables between what is measured."""
    with psycopg.connect(make_conninfo(os.environ[ADMIN], dbname=dbname), autocommit=True) as it:
        yield it


def company(name: str) -> Company:
    """A legal entity in France with a DPO and a RecOps person, all invented."""
    controller = controllers.register(
        actor=SYSTEM,
        name=f"{name} SAS",
        country="FR",
        time_zone="Europe/Paris",
        dpo_name="Dora Benchmark",
        dpo_email=f"dora@{name.lower()}.example",
    )
    with scope.enter(controller.pk):
        dpo = _person(f"dora@{name.lower()}.example", Role.DPO)
        recops = _person(f"rik@{name.lower()}.example", Role.RECOPS)
    return Company(controller.pk, dpo, recops)


def _person(email: str, role: str) -> Actor:
    user = accounts.invite(actor=SYSTEM, email=email, name=role)
    accounts.grant(actor=SYSTEM, user_id=user.pk, role=role)
    return Actor("user", user.pk)


def settle() -> None:
    """Between measurements: what was written is on disk, and nobody pays for it later."""
    with admin() as it:
        it.execute("CHECKPOINT")


def empty(*tables: str) -> None:
    """Only ever of tables that this experiment fills again."""
    names = sql.SQL(", ").join(map(sql.Identifier, tables))
    with admin() as it:
        it.execute("SET session_replication_role = replica")
        it.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))


def warm() -> None:
    """Connect before the clock runs."""
    connection.ensure_connection()
