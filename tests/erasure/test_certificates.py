"""What a certificate says of the keys: effective now, irreversible everywhere by a day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.erasure.models import Certificate, Plan, Step
from apps.keys import services as keys
from apps.keys.models import Epoch
from apps.subjects import shredding
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import Company
from tests.doors.console.house import stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def nordlys() -> Iterator[Company]:
    company = cast.company()
    stock(company, cast.ADA, cast.candidate(1))
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        yield company


def _approved(company: Company) -> Plan:
    as_of = clock.today("Europe/Paris")
    (plan,) = erasure.propose(actor=company.recops_actor, as_of=as_of)
    return erasure.approve(actor=company.dpo_actor, plan_id=plan.pk)


def _verified(plan: Plan) -> list[Step]:
    """Every step read back and clean, as far as main goes: the keys are not destroyed yet."""
    steps = list(plan.steps.select_related("record").order_by("pk"))
    for step in steps:
        shredding.bury(actor=SYSTEM, record_ids=[step.record_id])
        Step.objects.filter(pk=step.pk).update(state=Step.State.VERIFIED, finished_at=clock.now())
    return steps


def _entomb(*steps: Step) -> None:
    for step in steps:
        with transaction.atomic():
            shredding.entomb(actor=SYSTEM, record_ids=[step.record_id])


def _content(plan: Plan) -> dict[str, Any]:
    note = Certificate.objects.get(plan=plan).note
    found: dict[str, Any] = json.loads(note.splitlines()[1])
    return found


def test_a_certificate_carries_both_dates(nordlys: Company) -> None:
    plan = _approved(nordlys)
    _entomb(*_verified(plan))
    shredding.finish_shredding(actor=SYSTEM)
    erasure.finish(actor=SYSTEM)
    content = _content(plan)
    epoch = Epoch.objects.get(controller_id=nordlys.id)
    assert epoch.copies_until is not None
    day = epoch.copies_until.isoformat()
    assert content["effective"] == content["finished_at"]
    assert content["irreversible"] == {"by": day, "keys_destroyed": 2, "keys_kept": 0}
    for step in content["steps"]:
        assert (step["key"]["epoch"], step["key"]["irreversible_by"]) == (str(epoch.pk), day)
        assert step["key"]["effective"] <= content["effective"]


def test_a_certificate_waits_until_the_keys_are_destroyed(nordlys: Company) -> None:
    plan = _approved(nordlys)
    _entomb(*_verified(plan))
    assert erasure.finish(actor=SYSTEM) == 0  # the worker died before it destroyed them
    shredding.finish_shredding(actor=SYSTEM)
    assert erasure.finish(actor=SYSTEM) == 1


def test_a_person_with_another_record_has_no_second_date_yet(nordlys: Company) -> None:
    plan = _approved(nordlys)
    first, second = _verified(plan)
    other = Subject.objects.get(pk=second.record.subject_id)
    Record.objects.create(
        controller=other.controller,
        subject=other,
        connection=cast.csv_connection("Another ATS"),
        remote_digest=b"elsewhere",
    )
    _entomb(first, second)
    shredding.finish_shredding(actor=SYSTEM)
    erasure.finish(actor=SYSTEM)
    content = _content(plan)
    said = content["irreversible"]
    assert (said["keys_destroyed"], said["keys_kept"]) == (1, 1)
    shown = {step["step"]: step["key"] for step in content["steps"]}
    assert shown[str(second.pk)] is None
    assert keys.open_one(other.pk)


def test_a_day_once_promised_does_not_move_with_the_setting(
    nordlys: Company, settings: Settings
) -> None:
    promised = Epoch.objects.get(controller_id=nordlys.id).copies_until
    assert promised is not None
    settings.LETHE_EPOCH_DAYS = 365
    plan = _approved(nordlys)
    _entomb(*_verified(plan))
    shredding.finish_shredding(actor=SYSTEM)
    erasure.finish(actor=SYSTEM)
    assert _content(plan)["irreversible"]["by"] == promised.isoformat()
    assert promised == clock.now().date() + timedelta(days=30 + 14)
