"""Calling a plan back and refusing it, while a worker may be at its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Refused
from apps.erasure import claims
from apps.erasure import services as erasure
from apps.erasure.models import Plan, Step
from tests import cast
from tests.cast import Company
from tests.doors.console.house import stock

pytestmark = pytest.mark.django_db

NEW = (Step.State.PLANNED, Step.State.CLAIMED)


@pytest.fixture
def nordlys() -> Iterator[Company]:
    company = cast.company()
    stock(company, cast.ADA, cast.candidate(1))
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=600)
        yield company


def _proposed(company: Company) -> list[Plan]:
    return erasure.propose(actor=company.recops_actor, as_of=clock.today("Europe/Paris"))


def _approved(company: Company) -> Plan:
    (plan,) = _proposed(company)
    return erasure.approve(actor=company.dpo_actor, plan_id=plan.pk)


def _grace(plan: Plan, seconds: int) -> None:
    Plan.objects.filter(pk=plan.pk).update(grace_until=clock.now() + timedelta(seconds=seconds))


def _claim(plan: Plan) -> list[Step]:
    return claims.claim(actor=SYSTEM, connection_id=plan.connection_id, states=NEW)


def _states(plan: Plan) -> set[str]:
    return set(plan.steps.values_list("state", flat=True))


def test_a_plan_whose_steps_a_worker_has_taken_cannot_be_called_back(nordlys: Company) -> None:
    plan = _approved(nordlys)
    _grace(plan, -1)
    assert len(_claim(plan)) == 2
    _grace(plan, 1)  # the clock of the machine that answers the DPO is a second behind
    with pytest.raises(Refused) as refused:
        erasure.call_back(actor=nordlys.dpo_actor, plan_id=plan.pk)
    assert refused.value.code == "too_late"
    plan.refresh_from_db()
    assert (plan.state, _states(plan)) == (Plan.State.APPROVED, {"claimed"})


def test_a_plan_nobody_has_begun_is_called_back_and_can_be_refused(nordlys: Company) -> None:
    plan = _approved(nordlys)
    erasure.call_back(actor=nordlys.dpo_actor, plan_id=plan.pk)
    assert _claim(plan) == []
    erasure.refuse(actor=nordlys.dpo_actor, plan_id=plan.pk)
    assert _states(plan) == {"cancelled"}


def test_a_worker_takes_nothing_of_a_plan_called_back_while_it_looked(
    nordlys: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _approved(nordlys)
    erasure.call_back(actor=nordlys.dpo_actor, plan_id=plan.pk)
    real: Callable[..., QuerySet[Step]] = claims._runnable
    looks: list[Any] = []

    def stale_once(now: datetime, states: Any) -> QuerySet[Step]:
        looks.append(now)
        return real(now, states) if len(looks) > 1 else Step.objects.filter(state__in=states)

    monkeypatch.setattr(claims, "_runnable", stale_once)
    assert _claim(plan) == []
    assert _states(plan) == {"planned"}


def test_refusing_ends_steps_that_a_worker_had_taken_and_shuts_it_out(nordlys: Company) -> None:
    plan = _approved(nordlys)
    _grace(plan, -1)
    taken = _claim(plan)
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.PROPOSED, grace_until=None)
    erasure.refuse(actor=nordlys.dpo_actor, plan_id=plan.pk)
    for step in taken:  # the worker wakes
        claims.let_go(step, wait=timedelta(0), code="late")
    assert _states(plan) == {"cancelled"}
    assert len(_proposed(nordlys)) == 1


def test_refusing_never_ends_a_step_that_was_sent(nordlys: Company) -> None:
    plan = _approved(nordlys)
    first, second = plan.steps.order_by("pk")
    Step.objects.filter(pk=first.pk).update(state=Step.State.SENT, sent_at=clock.now())
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.PROPOSED, grace_until=None)
    erasure.refuse(actor=nordlys.dpo_actor, plan_id=plan.pk)
    found = dict(plan.steps.values_list("pk", "state"))
    assert found == {first.pk: "sent", second.pk: "cancelled"}
