"""Warned candidates in the console: chosen by a DPO after reading the message; objections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from apps.consents.models import EndWarning
from apps.controllers.models import Controller
from apps.core import clock, scope
from apps.core.ids import new_id
from apps.retention.models import ErasureRequirement
from apps.subjects.models import Record
from tests.doors.console.house import House, text
from tests.post import PostOffice, open_office


@pytest.fixture
def office(settings: Settings) -> Iterator[PostOffice]:
    with open_office(settings) as found:
        yield found


def objecting(house: House) -> EndWarning:
    with scope.enter(house.nordlys.id):
        record = Record.objects.get(pk=house.ada)
        made: EndWarning = EndWarning.objects.create(
            subject_id=record.subject_id,
            record=record,
            due_on=clock.today("Europe/Paris"),
            mail=new_id(),
            state="sent",
            answer="object",
            answered_at=clock.now(),
        )
    return made


def test_a_dpo_reads_the_message_then_chooses(
    house: House, dora: Client, rik: Client, office: PostOffice
) -> None:
    page = text(dora.get("/warnings/"))
    assert "Hello Camille," in page
    assert "Bonjour Camille," in page
    assert "Nobody is warned" in page
    rik.post("/warnings/choose/", {"warns": "1"})
    assert not Controller.objects.get(pk=house.nordlys.id).warns
    said = text(dora.post("/warnings/choose/", {"warns": "1"}, follow=True))
    assert "Candidates are warned from now on" in said
    assert Controller.objects.get(pk=house.nordlys.id).warns
    assert not Controller.objects.get(pk=house.vantage.id).warns
    assert "Candidates are warned before their data go" in text(dora.get("/ledger/"))


def test_without_a_mail_server_it_says_what_is_missing(house: House, dora: Client) -> None:
    assert "LETHE_MAIL_HOST" in text(dora.get("/warnings/"))
    dora.post("/warnings/choose/", {"warns": "1"})
    assert not Controller.objects.get(pk=house.nordlys.id).warns


def test_an_objection_is_granted_by_a_dpo(house: House, dora: Client, rik: Client) -> None:
    made = objecting(house)
    assert "1 person objects to being kept" in text(dora.get("/"))
    assert "Quillfeather" in text(dora.get("/warnings/"))
    rik.post(f"/warnings/{made.mail}/decide/", {"grant": "1"})
    with scope.enter(house.nordlys.id):
        assert not ErasureRequirement.objects.exists()
    dora.post(f"/warnings/{made.mail}/decide/", {"grant": "1"})
    with scope.enter(house.nordlys.id):
        assert ErasureRequirement.objects.get().ground == "objection"
        assert EndWarning.objects.get().settled_at is not None
    assert "objects to being kept" not in text(dora.get("/"))


def test_an_objection_decided_otherwise_demands_no_erasure(house: House, dora: Client) -> None:
    made = objecting(house)
    dora.post(f"/warnings/{made.mail}/decide/", {})
    with scope.enter(house.nordlys.id):
        assert not ErasureRequirement.objects.exists()
        assert EndWarning.objects.get().settled_at is not None


def test_nobody_else_sees_or_decides(house: House, mallory: Client) -> None:
    made = objecting(house)
    assert "Quillfeather" not in text(mallory.get("/warnings/"))
    mallory.post(f"/warnings/{made.mail}/decide/", {"grant": "1"})
    with scope.enter(house.nordlys.id):
        assert EndWarning.objects.get().settled_at is None
