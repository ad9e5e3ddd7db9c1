"""Tasks by hand: found from the first page, begun, closed with every field and a name."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import hands, running, services
from apps.erasure.models import Step
from tests.doors.console.house import House, browser, text


@pytest.fixture
def task(house: House) -> UUID:
    """The task about Ada, of an approved plan."""
    company = house.nordlys
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        as_of = clock.today("Europe/Paris")
        (plan,) = services.propose(actor=company.recops_actor, as_of=as_of)
        services.approve(actor=company.dpo_actor, plan_id=plan.pk)
        running.advance_all(actor=SYSTEM)
        return Step.objects.get(record_id=house.ada).pk


def test_it_leads_from_the_first_page_to_the_file(house: House, task: UUID, rik: Client) -> None:
    assert "4 files are to be erased by hand" in text(rik.get("/"))
    assert f"/by-hand/{task}/" in text(rik.get("/by-hand/"))
    shown = text(rik.get(f"/by-hand/{task}/"))
    assert "Begin before you erase" in shown
    assert "Ada Quillfeather" in shown
    saved = rik.post(
        f"/connections/{house.connection.pk}/link/",
        {"candidate_url": "https://ats.example/people/{id}"},
        follow=True,
    )
    assert "Tasks lead to the file" in text(saved)
    rik.post(f"/by-hand/{task}/begin/")
    assert 'href="https://ats.example/people/' in text(rik.get(f"/by-hand/{task}/"))


def test_what_is_missing_is_said_beside_it_and_nothing_is_lost(
    house: House, task: UUID, rik: Client
) -> None:
    rik.post(f"/by-hand/{task}/begin/")
    answer = rik.post(f"/by-hand/{task}/close/", {"seen": ["notes"], "statement": "Did it."})
    assert answer.status_code == 422
    shown = text(answer)
    assert "7 are left" in shown
    assert "Did it." in shown


def test_a_statement_closes_it_and_says_that_it_is_no_proof(
    house: House, task: UUID, rik: Client
) -> None:
    rik.post(f"/by-hand/{task}/begin/")
    told = {"seen": list(hands.FIELDS), "statement": "Deleted, and out of the bin."}
    assert "Closed" in text(rik.post(f"/by-hand/{task}/close/", told, follow=True))
    shown = text(rik.get(f"/by-hand/{task}/"))
    assert "Deleted, and out of the bin." in shown
    assert "Rik" in shown
    record = text(rik.get(f"/records/{house.ada}/"))
    assert "Erased by hand, as a person stated" in record
    assert "Erased and verified" not in record


def test_a_task_is_given_up_and_others_see_none(
    house: House, task: UUID, rik: Client, mallory: Client
) -> None:
    assert mallory.get(f"/by-hand/{task}/").status_code == 404
    assert mallory.post(f"/by-hand/{task}/begin/").status_code == 404
    assert "Given up" in text(rik.post(f"/by-hand/{task}/give-up/", follow=True))
    assert "Nobody erased it" in text(rik.get(f"/by-hand/{task}/"))


def test_it_speaks_french(house: House, task: UUID) -> None:
    client = browser(house.nordlys.recops, "fr")
    shown = text(client.get(f"/by-hand/{task}/"))
    assert "Commencez avant d’effacer" in shown
