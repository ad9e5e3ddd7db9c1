"""A plan that has begun is stopped: what was sent is read back, the rest kept; and tried again."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Missing, Refused
from apps.erasure import admission, claims, execution, hands, running, selectors, services
from apps.erasure.models import Plan, Step
from tests import cast
from tests.doors.console.house import stock
from tests.journeys.house import House, planned, remote_of

pytestmark = pytest.mark.django_db(transaction=True)


def _states() -> dict[str, int]:
    return dict(selectors.all_progress().by_state)


def test_what_was_sent_is_read_back_and_the_rest_is_kept(house: House) -> None:
    plan, records = planned(house, 1, 2, 3)
    Step.objects.exclude(record_id=records[0].pk).update(not_before=clock.now().replace(year=2090))
    execution.advance(actor=SYSTEM, connection_id=house.connection.pk)
    assert services.stop(actor=house.company.recops_actor, plan_id=plan.pk) == 2
    with pytest.raises(Conflict):
        services.stop(actor=house.company.recops_actor, plan_id=plan.pk)
    house.run()
    running.advance_all(actor=SYSTEM)
    assert _states() == {"verified": 1, "cancelled": 2}
    assert len(house.effects()) == 1
    plan.refresh_from_db()
    assert plan.state == Plan.State.FINISHED
    audit.integrate()
    assert Entry.objects.filter(object_id=plan.pk, verb="plan.stopped").exists()
    # What was kept is due still, and may be proposed again.
    assert (
        services.propose(actor=house.company.recops_actor, as_of=clock.today("Europe/Paris"))[
            0
        ].steps.count()
        == 2
    )


def test_a_step_that_a_worker_is_preparing_is_taken_from_it(house: House) -> None:
    plan, _records = planned(house, 1)
    (step,) = claims.claim(
        actor=SYSTEM, connection_id=house.connection.pk, states=["planned", "claimed"]
    )
    assert services.stop(actor=house.company.dpo_actor, plan_id=plan.pk) == 1
    assert not claims.held(step).exists()
    house.run()
    assert house.effects() == []


def test_a_task_that_a_person_has_begun_is_theirs_to_close(db: None) -> None:
    company = cast.company()
    stock(company, cast.ADA, cast.candidate(1))
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        (plan,) = services.propose(actor=company.recops_actor, as_of=clock.today("Europe/Paris"))
        services.approve(actor=company.dpo_actor, plan_id=plan.pk)
        running.advance_all(actor=SYSTEM)
        first, second = hands.waiting()
        hands.begin(actor=company.recops_actor, step_id=first.pk)
        assert services.stop(actor=company.recops_actor, plan_id=plan.pk) == 1
        assert _states() == {"by_hand": 1, "cancelled": 1}
        assert list(hands.waiting()) == [first]
        second.refresh_from_db()
        assert second.finished_at is not None


def test_what_never_reached_the_ats_is_not_sent_again(house: House) -> None:
    plan, _records = planned(house, 1)
    Step.objects.update(
        state=Step.State.SENT, sends=1, code="unreachable", sent_at=clock.now(), attempt=1
    )
    assert services.stop(actor=house.company.dpo_actor, plan_id=plan.pk) == 0
    step = Step.objects.select_related("record", "plan").get()
    with transaction.atomic():
        assert admission.refused_under_lock(step) == ("stale", "plan_stopped")


def test_others_stop_nothing(house: House) -> None:
    plan, _records = planned(house, 1)
    with pytest.raises(Refused):
        services.stop(actor=cast.mallory().dpo_actor, plan_id=plan.pk)
    other = cast.company("Vesper", dpo="vera", recops="vic")
    with scope.enter(other.id), pytest.raises(Missing):
        services.stop(actor=other.dpo_actor, plan_id=plan.pk)
    assert _states() == {"planned": 1}


def test_what_a_plan_left_is_proposed_again_and_nothing_else(house: House) -> None:
    house.fault("silent_ignore", ids=[remote_of(1)], fields=["full_name"])
    plan, records = planned(house, 1, 2)
    house.run()
    running.advance_all(actor=SYSTEM)
    assert _states() == {"verified": 1, "residual": 1}
    left = selectors.left_by_field(plan.pk)
    assert ("residue", "full_name", 1) in left
    again = services.propose(
        actor=house.company.recops_actor, as_of=clock.today("Europe/Paris"), after=plan.pk
    )
    assert [list(one.steps.values_list("record_id", flat=True)) for one in again] == [
        [records[0].pk]
    ]
    assert (
        services.propose(
            actor=house.company.recops_actor, as_of=clock.today("Europe/Paris"), after=plan.pk
        )
        == []
    )
