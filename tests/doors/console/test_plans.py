"""Plans: proposed, decided by a DPO, called back, followed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.test import Client

from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import hands, services
from apps.erasure import selectors as erasure
from apps.erasure.models import Plan
from tests.doors.console.house import House, text


def _proposed(house: House, rik: Client) -> UUID:
    answer = rik.post("/plans/propose/")
    with scope.enter(house.nordlys.id):
        plan: Plan = erasure.plans().get()
    assert answer["Location"] == f"/plans/{plan.pk}/"
    return plan.pk


def _state(house: House, plan_id: UUID) -> str:
    with scope.enter(house.nordlys.id):
        return erasure.plan(plan_id).state


def test_recops_propose_and_read_what_it_will_touch(house: House, rik: Client) -> None:
    page = text(rik.get(f"/plans/{_proposed(house, rik)}/"))
    assert "4 records past their retention period" in page
    assert "Ada Quillfeather" in page
    assert "Waiting for a DPO" in page
    assert "Approve the erasure" not in page


def test_proposing_twice_says_that_nothing_is_left(house: House, rik: Client) -> None:
    _proposed(house, rik)
    answer = rik.post("/plans/propose/", follow=True)
    assert "Nothing to propose" in text(answer)


def test_recops_cannot_approve(house: House, rik: Client) -> None:
    plan_id = _proposed(house, rik)
    answer = rik.post(f"/plans/{plan_id}/approve/")
    assert answer.status_code == 403
    assert "Ask your DPO" in text(answer)
    assert _state(house, plan_id) == "proposed"


def test_a_refusal_on_a_button_returns_to_the_page_with_what_to_do(
    house: House, rik: Client
) -> None:
    plan_id = _proposed(house, rik)
    before = f"http://testserver/plans/{plan_id}/"
    answer = rik.post(f"/plans/{plan_id}/approve/", headers={"referer": before}, follow=True)
    assert answer.redirect_chain == [(before, 302)]
    assert "Ask your DPO" in text(answer)


def test_a_refusal_never_sends_people_to_another_site(house: House, rik: Client) -> None:
    plan_id = _proposed(house, rik)
    elsewhere = {"referer": "http://evil.example/"}
    assert rik.post(f"/plans/{plan_id}/approve/", headers=elsewhere).status_code == 403


def test_a_dpo_approves_then_calls_back(house: House, rik: Client, dora: Client) -> None:
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/approve/")
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "Call the plan back" in page
    assert "begins in 2" in page
    assert f'hx-get="/plans/{plan_id}/progress/"' in page
    dora.post(f"/plans/{plan_id}/call-back/")
    assert _state(house, plan_id) == "proposed"


def test_a_dpo_refuses_and_everything_is_kept(house: House, rik: Client, dora: Client) -> None:
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/refuse/")
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "every record is kept" in page
    assert "hx-get" not in page


def test_two_decisions_about_one_plan_cannot_both_count(
    house: House, rik: Client, dora: Client
) -> None:
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/approve/")
    assert dora.post(f"/plans/{plan_id}/refuse/").status_code == 409
    assert _state(house, plan_id) == "approved"


def test_another_controllers_plan_cannot_be_seen_or_decided(
    house: House, rik: Client, mallory: Client
) -> None:
    plan_id = _proposed(house, rik)
    for page in ("", "progress/", "certificate/"):
        assert mallory.get(f"/plans/{plan_id}/{page}").status_code == 404
    for verb in ("approve", "refuse", "call-back"):
        assert mallory.post(f"/plans/{plan_id}/{verb}/").status_code == 404
    assert _state(house, plan_id) == "proposed"
    assert "Plan 1" not in text(mallory.get("/plans/"))


def test_a_certificate_comes_only_when_the_plan_has_finished(
    house: House, rik: Client, dora: Client
) -> None:
    plan_id = _proposed(house, rik)
    assert dora.get(f"/plans/{plan_id}/certificate/").status_code == 409


def test_no_decision_is_made_by_opening_an_address(house: House, rik: Client, dora: Client) -> None:
    plan_id = _proposed(house, rik)
    for verb in ("approve", "refuse", "call-back"):
        assert dora.get(f"/plans/{plan_id}/{verb}/").status_code == 405
    assert _state(house, plan_id) == "proposed"


def test_every_decision_needs_the_form_of_the_page(house: House, rik: Client) -> None:
    plan_id = _proposed(house, rik)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(house.nordlys.dpo)
    assert strict.post(f"/plans/{plan_id}/approve/").status_code == 403
    assert _state(house, plan_id) == "proposed"


def test_a_step_that_did_not_succeed_says_what_to_do(
    house: House, rik: Client, dora: Client
) -> None:
    """A CSV connection cannot erase: each record is a task for a person."""
    with scope.enter(house.nordlys.id):
        house.connection.grace_seconds = 0
        house.connection.save()
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/approve/")
    with scope.enter(house.nordlys.id):
        services.advance(actor=SYSTEM, connection_id=house.connection.pk)
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "4 files wait for a person" in page
    assert "/by-hand/" in page
    with scope.enter(house.nordlys.id):
        for step in hands.waiting():
            hands.give_up(actor=house.nordlys.recops_actor, step_id=step.pk)
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "not done by hand" in page
    assert "Nobody erased it by hand." in page
    today = text(dora.get("/"))
    assert "4 erasures of plan 1 need you" in today


def test_the_moving_part_stops_asking_when_nothing_moves(
    house: House, rik: Client, dora: Client
) -> None:
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/approve/")
    moving = dora.get(f"/plans/{plan_id}/progress/")
    assert "every 2s" in text(moving)
    assert "HX-Refresh" not in moving
    dora.post(f"/plans/{plan_id}/call-back/")
    assert dora.get(f"/plans/{plan_id}/progress/")["HX-Refresh"] == "true"


def test_a_dpo_who_proposed_the_first_plan_is_told_that_another_approves(
    house: House, dora: Client
) -> None:
    plan_id = _proposed(house, dora)
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "It takes two people" in page
    assert "You proposed it: another DPO approves." in page
    assert "It is the first plan of this connection" in page
    assert "Approve the erasure" not in page
    answer = dora.post(f"/plans/{plan_id}/approve/", follow=True)
    assert "You proposed this plan" in text(answer)
    assert _state(house, plan_id) == "proposed"


def test_brakes_are_a_dpo_s_and_say_what_cannot_be(house: House, rik: Client, dora: Client) -> None:
    plan_id = _proposed(house, rik)
    with scope.enter(house.nordlys.id):
        connection_id = erasure.plan(plan_id).connection_id
    address = f"/connections/{connection_id}/brakes/"
    wanted = {"most_per_run": 2, "most_percent": 25, "most_per_day": 9, "alone_up_to": 0}
    assert "Change the brakes" not in text(rik.get("/connections/"))
    assert rik.post(address, wanted).status_code in {403, 422}
    wrong = dora.post(address, {**wanted, "most_percent": 0})
    assert wrong.status_code == 422
    assert "a whole number from 1 to 100" in text(wrong)
    assert "2 records a plan" in text(dora.post(address, wanted, follow=True))
    page = text(dora.get(f"/plans/{plan_id}/"))
    assert "One plan may erase 2 records here" in page
    assert "Approve the erasure" not in page


def test_an_approved_plan_is_postponed_to_another_morning(
    house: House, rik: Client, dora: Client
) -> None:
    plan_id = _proposed(house, rik)
    dora.post(f"/plans/{plan_id}/approve/")
    assert "Not now?" in text(rik.get(f"/plans/{plan_id}/"))
    yesterday = clock.today("Europe/Paris") - timedelta(days=1)
    early = rik.post(f"/plans/{plan_id}/postpone/", {"day": yesterday.isoformat()})
    assert early.status_code == 422
    assert "Choose an instant after the one it begins at now" in text(early)
    later = clock.today("Europe/Paris") + timedelta(days=10)
    answer = rik.post(f"/plans/{plan_id}/postpone/", {"day": later.isoformat()}, follow=True)
    assert "Postponed" in text(answer)
    with scope.enter(house.nordlys.id):
        begins = erasure.plan(plan_id).grace_until
    assert begins is not None
    local = begins.astimezone(ZoneInfo("Europe/Paris"))
    assert (local.date(), local.hour) == (later, 8)
