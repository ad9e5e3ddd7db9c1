"""Gates: a second person, the brakes of a connection, and a plan that begins later."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.utils import translation

from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.erasure import claims, gates, running
from apps.erasure import services as erasure
from apps.erasure.models import DayTally, Plan, Step
from tests import cast
from tests.journeys.archiving import told
from tests.journeys.house import House, expired, planned

pytestmark = pytest.mark.django_db(transaction=True)


def stocked(house: House, *indexes: int) -> None:
    expired(house, *indexes)
    house.sync()
    house.decide()


def proposed(actor: Actor, **options: Any) -> Plan:
    (plan,) = erasure.propose(actor=actor, as_of=clock.today("Europe/Paris"), **options)
    return plan


def brakes(house: House, **values: int) -> None:
    erasure.set_brakes(
        actor=house.company.dpo_actor, connection_id=house.connection.pk, values=values
    )


def hour(of: int) -> time:
    return time(of)


def hour_brakes(house: House, since: time | None, until: time | None) -> None:
    erasure.set_brakes(
        actor=house.company.dpo_actor,
        connection_id=house.connection.pk,
        values={"acts_from": since, "acts_until": until},
    )


def refusal(house: House, plan: Plan, actor: Actor | None = None) -> str:
    with pytest.raises(Refused) as caught:
        erasure.approve(actor=actor or house.company.dpo_actor, plan_id=plan.pk)
    return caught.value.code


def until_verified(count: int) -> None:
    """The worker's tick, until so many are."""
    stop = monotonic() + 40
    while Step.objects.filter(state=Step.State.VERIFIED).count() < count:
        assert monotonic() < stop, list(Step.objects.values_list("state", "code"))
        running.advance_all(actor=SYSTEM)
        sleep(0.1)


def test_the_first_plan_takes_two_people_and_a_small_one_after_it_does_not(house: House) -> None:
    dpo = house.company.dpo_actor
    stocked(house, 1, 2, 3)
    first = proposed(dpo, limit=1)
    assert gates.second_person(first) == ("first_run",)
    assert refusal(house, first) == "four_eyes"
    other = cast.person(house.company.controller, "second@nordlys.example", "dpo")
    erasure.approve(actor=Actor("user", other.pk), plan_id=first.pk)
    house.run()
    second = proposed(dpo, limit=1)
    assert gates.second_person(second) == ()
    house.approve(second)
    brakes(house, alone_up_to=0)
    third = proposed(dpo)
    assert gates.second_person(third) == ("size",)
    assert refusal(house, third) == "four_eyes"


def test_what_lethe_proposes_itself_one_dpo_approves(house: House) -> None:
    stocked(house, 1)
    plan = proposed(SYSTEM)
    assert plan.proposed_by is None
    house.approve(plan)


def test_a_plan_beyond_what_one_plan_may_is_not_approved(house: House) -> None:
    stocked(house, 1, 2, 3)
    plan = house.propose()
    brakes(house, most_per_run=2)
    assert refusal(house, plan) == "brake_run"
    erasure.refuse(actor=house.company.dpo_actor, plan_id=plan.pk)
    again = house.propose()
    assert again.steps.count() == 2
    house.approve(again)


def test_a_plan_that_erases_too_large_a_share_is_not_approved(house: House) -> None:
    stocked(house, *range(1, gates.SMALL + 2))
    plan = house.propose()
    assert gates.share(plan) == 100
    assert refusal(house, plan) == "brake_share"
    with translation.override("en"):
        assert "100 in a hundred" in gates.why_over(plan, "brake_share")
    brakes(house, most_percent=100)
    house.approve(plan)


def test_what_a_day_may_not_hold_waits_for_the_next_and_says_so(house: House) -> None:
    brakes(house, most_per_day=1)
    planned(house, 1, 2)
    until_verified(1)
    verified = Step.objects.get(state=Step.State.VERIFIED)
    waiting = Step.objects.exclude(pk=verified.pk).get()
    assert (waiting.state, waiting.code, waiting.sends) == (Step.State.PLANNED, gates.FULL, 0)
    assert waiting.not_before is not None
    local = waiting.not_before.astimezone(ZoneInfo("Europe/Paris"))
    assert local - timedelta(days=1) <= clock.now() < local
    assert local.hour == 0
    assert len(house.effects()) == 1
    brakes(house, most_per_day=2)
    house.run()
    assert len(house.effects()) == 2


def test_no_number_of_workers_goes_beyond_the_day(house: House) -> None:
    brakes(house, most_per_day=3)
    planned(house, *range(1, 9))

    def work() -> None:
        with scope.enter(house.company.id):
            until_verified(3)
            running.advance_all(actor=SYSTEM)
        connections.close_all()

    workers = [threading.Thread(target=work) for _number in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(timeout=60)
    assert len(house.effects()) == 3
    assert DayTally.objects.get().sent == 3
    assert Step.objects.filter(state=Step.State.VERIFIED).count() == 3


def test_only_a_dpo_sets_brakes_and_only_to_what_can_be(house: House) -> None:
    with pytest.raises(Refused):
        erasure.set_brakes(
            actor=house.company.recops_actor,
            connection_id=house.connection.pk,
            values={"most_per_day": 1},
        )
    with pytest.raises(Invalid) as caught:
        brakes(house, most_percent=0)
    assert caught.value.field == "most_percent"
    with pytest.raises(Missing):
        erasure.set_brakes(
            actor=house.company.dpo_actor, connection_id=new_id(), values={"most_per_day": 1}
        )


def test_a_postponed_plan_begins_later_and_can_be_called_back_until_then(house: House) -> None:
    type(house.connection).objects.update(grace_seconds=60)
    plan, (record,) = planned(house, 1)
    later = clock.now() + timedelta(days=3)
    with pytest.raises(Invalid):
        erasure.postpone(actor=house.company.recops_actor, plan_id=plan.pk, until=clock.now())
    with pytest.raises(Invalid):
        erasure.postpone(
            actor=house.company.recops_actor, plan_id=plan.pk, until=later + timedelta(days=100)
        )
    erasure.postpone(actor=house.company.recops_actor, plan_id=plan.pk, until=later)
    plan.refresh_from_db()
    assert plan.grace_until == later
    running.advance_all(actor=SYSTEM)
    assert house.outcome(record).attempt == 0
    erasure.call_back(actor=house.company.recops_actor, plan_id=plan.pk)
    type(house.connection).objects.update(grace_seconds=0)
    house.approve(Plan.objects.get())
    with pytest.raises(Refused):
        erasure.postpone(actor=house.company.dpo_actor, plan_id=plan.pk, until=later)
    house.run()
    assert house.effects()
    assert "step.verified" in told(record)


def test_outside_its_hours_a_connection_sends_nothing(house: House) -> None:
    local = clock.now().astimezone(ZoneInfo("Europe/Paris"))
    hours = (hour(13), hour(14)) if local.hour < 12 else (hour(1), hour(2))
    hour_brakes(house, *hours)
    planned(house, 1)
    for _tick in range(3):
        running.advance_all(actor=SYSTEM)
    assert set(Step.objects.values_list("state", "attempt")) == {(Step.State.PLANNED, 0)}
    assert house.effects() == []
    hour_brakes(house, None, None)
    house.run()
    assert len(house.effects()) == 1


def test_what_was_claimed_within_the_hours_is_not_sent_after_them(house: House) -> None:
    planned(house, 1)
    (step,) = claims.claim(
        actor=SYSTEM, connection_id=house.connection.pk, states=[Step.State.PLANNED]
    )
    assert not claims.is_paused(step)
    local = clock.now().astimezone(ZoneInfo("Europe/Paris"))
    hour_brakes(house, *((hour(13), hour(14)) if local.hour < 12 else (hour(1), hour(2))))
    assert claims.is_paused(step)


def test_hours_that_cannot_be_are_refused(house: House) -> None:
    for since, until in ((hour(18), hour(9)), (hour(9), None), (None, hour(9))):
        with pytest.raises(Invalid) as caught:
            hour_brakes(house, since, until)
        assert caught.value.field == "acts_until"


@pytest.mark.parametrize(
    ("country", "when", "is_open"),
    [
        ("FR", datetime(2026, 11, 27, 23, 59, tzinfo=UTC), True),
        ("FR", datetime(2026, 11, 28, 9, 0, tzinfo=UTC), False),
        ("FR", datetime(2026, 11, 29, 9, 0, tzinfo=UTC), False),
        ("FR", datetime(2026, 7, 14, 9, 0, tzinfo=UTC), False),
        ("BE", datetime(2026, 7, 14, 9, 0, tzinfo=UTC), True),
        ("BE", datetime(2026, 7, 21, 9, 0, tzinfo=UTC), False),
        ("XX", datetime(2026, 7, 21, 9, 0, tzinfo=UTC), True),
        ("XX", datetime(2026, 7, 25, 9, 0, tzinfo=UTC), False),
    ],
)
def test_on_working_days_of_the_country(country: str, when: datetime, is_open: bool) -> None:
    limited = Connection(acts_on_weekdays=True)
    assert gates.is_open(limited, when, country=country) is is_open
    assert gates.is_open(Connection(), when, country=country)


@pytest.mark.parametrize(
    ("clock_says", "is_open"), [(8, False), (9, True), (17, True), (18, False)]
)
def test_from_the_first_hour_up_to_the_last(clock_says: int, is_open: bool) -> None:
    at = datetime(2026, 11, 27, clock_says, tzinfo=UTC)
    open_hours = Connection(acts_from=hour(9), acts_until=hour(18))
    assert gates.is_open(open_hours, at, country="FR") is is_open
