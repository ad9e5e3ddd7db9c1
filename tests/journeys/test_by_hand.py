"""Where an ATS has no call for it: a person erases, Lethe reads back, or a name stands for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.connectors import services as connectors
from apps.connectors.greenhouse.adapter import Greenhouse
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.erasure import hands, running, services
from apps.erasure.models import Certificate, Plan, Statement, Step
from apps.keys import services as keys
from apps.retention import services as retention
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import Company
from tests.doors.console.house import stock
from tests.journeys.house import House, planned, remote_of


@pytest.fixture
def nordlys(db: None) -> Iterator[Company]:
    """Two people of a CSV import, whose plan is approved and runs."""
    company = cast.company()
    stock(company, cast.ADA, cast.candidate(1))
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        as_of = clock.today("Europe/Paris")
        (plan,) = services.propose(actor=company.recops_actor, as_of=as_of)
        services.approve(actor=company.dpo_actor, plan_id=plan.pk)
        running.advance_all(actor=SYSTEM)
        yield company


def _hold(company: Company, step: Step) -> None:
    retention.place_hold(
        actor=company.dpo_actor,
        subject_id=step.record.subject_id,
        reason="A dispute.",
        review_on=clock.today("Europe/Paris") + timedelta(days=30),
    )


def _verbs(step: Step) -> list[str]:
    audit.integrate()
    rows = Entry.objects.filter(object_id=step.record_id).order_by("index")
    return list(rows.values_list("verb", flat=True))


def test_the_plan_waits_for_a_person_and_ends_with_their_statement(nordlys: Company) -> None:
    plan, (first, second) = Plan.objects.get(), hands.waiting()
    assert plan.state == Plan.State.APPROVED
    for step in (first, second):
        assert hands.begin(actor=nordlys.recops_actor, step_id=step.pk)
        hands.close(
            actor=nordlys.recops_actor,
            step_id=step.pk,
            seen=hands.checklist(step),
            statement="Deleted in the ATS and in its bin.",
        )
    running.advance_all(actor=SYSTEM)
    plan.refresh_from_db()
    first.refresh_from_db()
    assert plan.state == Plan.State.FINISHED
    assert (first.state, first.clean, first.asked) == ("stated", [], list(hands.FIELDS))
    subject = Subject.objects.get(pk=first.record.subject_id)
    assert (first.record.state, subject.state) == (Record.State.ERASED, Subject.State.SHREDDED)
    with pytest.raises(keys.KeyShredded):
        keys.open_one(subject.pk)
    made = Statement.objects.get(step=first)
    assert hands.statement_of(made) == "Deleted in the ATS and in its bin."
    content = json.loads(Certificate.objects.get(plan=plan).note.splitlines()[1])
    assert {step["outcome"] for step in content["steps"]} == {"stated"}
    assert content["steps"][0]["statement"]["made_by"] == str(nordlys.recops.pk)
    assert "bin" not in json.dumps(content)
    told = _verbs(first)
    assert told.index("step.by_hand") < told.index("step.begun_by_hand") < told.index("step.stated")
    assert "step.verified" not in told


def test_it_is_not_closed_without_every_field_and_a_statement(nordlys: Company) -> None:
    step = hands.waiting()[0]
    given: dict[str, Any] = {"actor": nordlys.recops_actor, "step_id": step.pk}
    with pytest.raises(Conflict) as early:
        hands.close(**given, seen=hands.FIELDS, statement="Done.")
    assert early.value.code == "not_begun"
    hands.begin(**given)
    with pytest.raises(Invalid) as refused:
        hands.close(**given, seen=hands.FIELDS[1:], statement="Done.")
    assert refused.value.field == "seen"
    with pytest.raises(Invalid) as refused:
        hands.close(**given, seen=hands.FIELDS, statement="  ")
    assert refused.value.field == "statement"
    step.refresh_from_db()
    assert step.state == Step.State.BY_HAND
    assert not Statement.objects.exists()
    with pytest.raises(Refused):
        hands.close(actor=SYSTEM, step_id=step.pk, seen=hands.FIELDS, statement="Done.")


def test_a_hold_comes_in_time_until_somebody_begins(nordlys: Company) -> None:
    first, second = hands.waiting()
    _hold(nordlys, first)
    assert not hands.begin(actor=nordlys.recops_actor, step_id=first.pk)
    first.refresh_from_db()
    assert first.state == Step.State.HELD
    assert hands.begin(actor=nordlys.recops_actor, step_id=second.pk)
    with pytest.raises(Conflict) as late:
        _hold(nordlys, second)
    assert late.value.code == "too_late"
    with pytest.raises(Conflict) as twice:
        hands.begin(actor=nordlys.dpo_actor, step_id=second.pk)
    assert twice.value.code == "begun"


def test_what_is_given_up_is_erased_by_nobody_and_is_due_again(nordlys: Company) -> None:
    step = hands.waiting()[0]
    hands.begin(actor=nordlys.recops_actor, step_id=step.pk)
    hands.give_up(actor=nordlys.recops_actor, step_id=step.pk)
    step.refresh_from_db()
    assert (step.state, step.code) == (Step.State.MANUAL, "given_up")
    record = Record.objects.get(pk=step.record_id)
    assert (record.state, record.sending_step) == (Record.State.PRESENT, None)
    with pytest.raises(Conflict):
        hands.give_up(actor=nordlys.recops_actor, step_id=step.pk)
    as_of = clock.today("Europe/Paris")
    assert not services.propose(actor=nordlys.recops_actor, as_of=as_of)
    (again,) = services.propose(actor=nordlys.recops_actor, as_of=as_of, again=True)
    assert again.steps.get().record_id == step.record_id


def test_the_page_of_the_file_is_where_the_connection_says(nordlys: Company) -> None:
    step = hands.waiting()[0]
    assert hands.link(step) == ""
    connection_id = step.plan.connection_id
    given: dict[str, Any] = {"actor": nordlys.recops_actor, "connection_id": connection_id}
    for wrong in ("http://ats.example/{id}", "https://ats.example/", "https://a/{id}/{id}"):
        with pytest.raises(Invalid) as refused:
            connectors.change(**given, values={"candidate_url": wrong})
        assert refused.value.field == "candidate_url"
    connectors.change(**given, values={"candidate_url": "https://ats.example/people/{id}"})
    found = hands.link(hands.task(step.pk))
    assert found.startswith("https://ats.example/people/")
    assert "{id}" not in found


@pytest.fixture
def read_only(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """An ATS that can be read, and has no call that erases."""
    found = replace(Greenhouse.capabilities, actions=frozenset())
    monkeypatch.setattr(Greenhouse, "capabilities", found)
    monkeypatch.setitem(connectors._CAPABILITIES, "greenhouse", found)
    return house


def test_where_it_can_be_read_only_the_reading_closes_it(read_only: House) -> None:
    house = read_only
    _, (record,) = planned(house, 1)
    running.advance_all(actor=SYSTEM)
    step = hands.waiting().get()
    actor = house.company.recops_actor
    assert hands.begin(actor=actor, step_id=step.pk)
    with pytest.raises(Conflict) as remains:
        hands.close(actor=actor, step_id=step.pk, statement="I swear.")
    assert remains.value.code == "data_remain"
    assert "full_name" in str(remains.value.message)
    step.refresh_from_db()
    assert step.state == Step.State.BY_HAND
    connectors.adapter(house.connection).delete(str(remote_of(1)))  # the person's own hand
    hands.close(actor=actor, step_id=step.pk)
    step.refresh_from_db()
    record.refresh_from_db()
    assert (step.state, record.state) == (Step.State.VERIFIED, Record.State.ERASED)
    assert not Statement.objects.exists()


def test_a_file_that_changed_is_left_alone(read_only: House) -> None:
    house = read_only
    planned(house, 1)
    running.advance_all(actor=SYSTEM)
    step = hands.waiting().get()
    body = {"candidate_id": remote_of(1), "job_id": 9, "silent": True}
    house.control("POST", "applications", body)
    assert not hands.begin(actor=house.company.recops_actor, step_id=step.pk)
    step.refresh_from_db()
    assert (step.state, step.code) == (Step.State.STALE, "facts_changed")


def test_a_task_that_is_not_there_is_missing(nordlys: Company) -> None:
    with pytest.raises(Missing):
        hands.begin(actor=nordlys.recops_actor, step_id=new_id())
