"""Recipients in the console: added by a DPO, recorded on a person's page, told by a person."""

from __future__ import annotations

import re

from django.test import Client
from pytest_django import Settings

from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import hands, running, services
from apps.erasure.models import Step
from apps.subjects.models import Disclosure, Recipient, Record, Subject
from tests.doors.console.house import House, browser, text

REFERENCE = "BGC-20417"
VETTING = {"name": "Vetting & Sons", "channel": "hand", "address": "Their portal"}


def _added(house: House, dora: Client, **changes: str) -> Recipient:
    dora.post("/recipients/add/", VETTING | changes)
    with scope.enter(house.nordlys.id):
        found: Recipient = Recipient.objects.latest("pk")
        return found


def _disclosed(house: House, client: Client, to: Recipient) -> str:
    told = {"recipient": str(to.pk), "reference": REFERENCE, "disclosed_on": "2026-05-04"}
    return text(client.post(f"/records/{house.ada}/disclose/save/", told, follow=True))


def _erase_ada(house: House) -> None:
    """By hand, which needs no ATS."""
    company = house.nordlys
    with scope.enter(company.id):
        Connection.objects.update(grace_seconds=0)
        as_of = clock.today("Europe/Paris")
        (plan,) = services.propose(actor=company.recops_actor, as_of=as_of)
        services.approve(actor=company.dpo_actor, plan_id=plan.pk)
        running.advance_all(actor=SYSTEM)
        step = Step.objects.get(record_id=house.ada)
        hands.begin(actor=company.recops_actor, step_id=step.pk)
        hands.close(
            actor=company.recops_actor,
            step_id=step.pk,
            seen=hands.checklist(step),
            statement="Deleted.",
        )


def test_from_the_disclosure_to_the_person_who_tells(
    house: House, dora: Client, rik: Client
) -> None:
    vetting = _added(house, dora)
    assert "They are told when the person is erased" in _disclosed(house, rik, vetting)
    page = text(rik.get(f"/records/{house.ada}/"))
    assert "Vetting &amp; Sons" in page
    assert REFERENCE not in page
    _erase_ada(house)
    assert "1 erasure is to be told to a recipient" in text(rik.get("/"))
    shown = text(rik.get("/recipients/"))
    assert REFERENCE in shown
    with scope.enter(house.nordlys.id):
        disclosure = Disclosure.objects.get()
        subject = Record.objects.get(pk=house.ada).subject_id
    assert "Impossible" not in shown, "a DPO's to say"
    told = text(rik.post(f"/disclosures/{disclosure.pk}/told/", follow=True))
    assert "Noted under your name" in told
    assert REFERENCE not in told
    with scope.enter(house.nordlys.id):
        from_now_on = Subject.objects.get(pk=subject)
    assert from_now_on.state == "shredding"


def test_a_secret_is_shown_once(house: House, dora: Client, settings: Settings) -> None:
    settings.WEBHOOK_HOSTS = ["vetting.example"]
    hook = {"channel": "webhook", "address": "https://vetting.example/hook"}
    answer = dora.post("/recipients/add/", VETTING | hook)
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", text(answer))
    assert found is not None
    assert answer["Cache-Control"] == "no-store"
    assert found.group() not in text(dora.get("/recipients/"))
    with scope.enter(house.nordlys.id):
        made = Recipient.objects.get()
    renewed = text(dora.post(f"/recipients/{made.pk}/secret/"))
    assert "whsec_" in renewed
    assert found.group() not in renewed


def test_what_cannot_be_is_said_beside_it(house: House, dora: Client, rik: Client) -> None:
    answer = dora.post("/recipients/add/", VETTING | {"channel": "mail", "address": "nobody"})
    assert answer.status_code == 422
    assert "Give an e-mail address" in text(answer)
    vetting = _added(house, dora)
    refused = dora.post(
        f"/recipients/{vetting.pk}/", {"channel": "webhook", "address": "https://x.example/"}
    )
    assert refused.status_code == 422
    assert "LETHE_WEBHOOK_HOSTS" in text(refused)
    told = {"recipient": str(vetting.pk), "reference": REFERENCE, "disclosed_on": "2090-01-01"}
    future = rik.post(f"/records/{house.ada}/disclose/save/", told)
    assert future.status_code == 422
    assert "The date is in the future" in text(future)
    assert REFERENCE in text(future), "what was typed is not lost"
    assert rik.post("/recipients/add/", VETTING).status_code in (403, 422)
    with scope.enter(house.nordlys.id):
        assert Recipient.objects.count() == 1


def test_mallory_sees_none_of_it(house: House, dora: Client, rik: Client) -> None:
    vetting = _added(house, dora)
    _disclosed(house, rik, vetting)
    with scope.enter(house.nordlys.id):
        disclosure = Disclosure.objects.get()
    mallory = browser(house.vantage.dpo)
    assert "Vetting" not in text(mallory.get("/recipients/"))
    assert mallory.get(f"/records/{house.ada}/disclose/").status_code == 404
    for address in (
        f"/recipients/{vetting.pk}/end/",
        f"/recipients/{vetting.pk}/returned/",
        f"/recipients/{vetting.pk}/again/",
        f"/disclosures/{disclosure.pk}/told/",
    ):
        assert mallory.post(address).status_code == 404
    with scope.enter(house.nordlys.id):
        assert Disclosure.objects.get().state == "recorded"
        assert Recipient.objects.get().ended_at is None
