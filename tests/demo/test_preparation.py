"""A preparation that was killed anywhere is gone on with by the next run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from apps.audit.models import Entry
from apps.connectors import services as connectors
from apps.connectors.fakes.greenhouse.config import Config
from apps.connectors.fakes.greenhouse.server import Server, start
from apps.connectors.models import Connection
from apps.controllers import services as controllers
from apps.controllers.models import ProcessingActivity
from apps.core import clock, scope
from apps.retention import services as retention
from apps.retention.models import Override, Policy
from demo.day import preparation
from demo.day.preparation import Company
from demo.installation import Account, Installation

pytestmark = pytest.mark.django_db

#: Service and number of the call after which the run is killed.
DEATHS: tuple[tuple[ModuleType, str, int], ...] = (
    (controllers, "register_activity", 1),
    (controllers, "register_activity", 2),
    (retention, "load_policy", 1),
    (retention, "sign", 1),
    (retention, "sign", 2),
    (retention, "activate", 1),
    (retention, "override", 1),
    (retention, "override", 2),
    (connectors, "connect", 1),
)


class Killed(BaseException):
    """As SIGKILL: nobody catches it."""


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Server]:
    config = Config(state=tmp_path / "ats.sqlite", client_id="demo", client_secret="s3cret")
    with start(config) as server:
        yield server


@pytest.fixture
def company(fake: Server) -> Company:
    port = int(fake.url.rpartition(":")[2])
    account = Account("Nordlys", 0, 0, port, "demo", "s3cret", "hook-hook", fake.control_token)
    dpo, recops = preparation.people()
    return preparation._company(account, dpo, recops)


def _kill_after(patch: pytest.MonkeyPatch, room: ModuleType, name: str, number: int) -> None:
    real, calls = getattr(room, name), []

    def service(**values: Any) -> Any:
        made = real(**values)
        calls.append(made)
        if len(calls) == number:
            raise Killed
        return made

    patch.setattr(room, name, service)


def _whole(company: Company) -> None:
    with scope.enter(company.controller.pk):
        assert sorted(ProcessingActivity.objects.values_list("name", flat=True)) == [
            "Recrutement",
            "Vivier",
        ]
        policy = Policy.objects.get()
        assert policy.state == Policy.State.ACTIVE
        assert policy.signatures.count() == 2
        off = Override.objects.filter(policy=policy, duration="")
        assert sorted(off.values_list("rule", flat=True)) == sorted(preparation.SWITCHED_OFF)
        assert Connection.objects.count() == 1


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: f"{death[1]}-{death[2]}")
def test_it_is_whole_wherever_the_first_run_was_killed(
    company: Company, death: tuple[ModuleType, str, int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _kill_after(patch, *death)
        with pytest.raises(Killed):
            preparation.prepare(company)
    preparation.prepare(company)
    _whole(company)


def test_a_second_run_changes_nothing(company: Company) -> None:
    first = preparation.prepare(company)
    with scope.unscoped("counts entries of every ledger"):
        entries = Entry.objects.count()
    assert preparation.prepare(company) == first
    with scope.unscoped("counts entries of every ledger"):
        assert Entry.objects.count() == entries


def test_what_people_loaded_since_is_left_to_them(company: Company) -> None:
    preparation.prepare(company)
    with scope.enter(company.controller.pk):
        draft = retention.load_policy(actor=company.dpo, pack="fr-cnil")
        other = Connection.objects.create(name="Export", vendor="csv", country="FR")
        found = preparation.prepare(company)
        draft.refresh_from_db()
        assert draft.state == Policy.State.DRAFTED
        assert found != other
        assert preparation.connection_of(company) == found


def test_a_policy_that_another_replaced_is_not_touched(company: Company) -> None:
    preparation.prepare(company)
    with scope.enter(company.controller.pk):
        newer = retention.load_policy(actor=company.dpo, pack="fr-cnil")
        for person in (company.dpo, company.recops):
            retention.sign(actor=person, policy_id=newer.pk)
        today = clock.today("Europe/Paris")
        retention.activate(actor=company.dpo, policy_id=newer.pk, active_from=today)
        preparation.prepare(company)
        assert Override.objects.filter(policy=newer).count() == 0
        assert Policy.objects.get(number=1).state == Policy.State.SUPERSEDED


def test_companies_are_found_again(tmp_path: Path) -> None:
    account = {
        "name": "Nordlys",
        "first_index": 0,
        "candidates": 1,
        "port": 1,
        "client_id": "",
        "client_secret": "",
        "webhook_secret": "",
        "control_token": "",
    }
    home = Installation(tmp_path, 8000, {"accounts": [account]})
    assert preparation.companies(home) == preparation.companies(home)
