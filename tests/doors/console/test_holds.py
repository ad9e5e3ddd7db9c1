"""Legal holds in the console: opened after being seen, reviewed, released."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import clock, scope
from apps.retention import held
from apps.retention.models import HoldCase, Restriction
from apps.subjects.models import Record
from tests.doors.console.house import House, browser, text

MATTER = "Prud'hommes 24/0178"


def filled(house: House, **changes: Any) -> dict[str, Any]:
    review = clock.now().date() + timedelta(days=90)
    return {
        "matter": MATTER,
        "reason": "Claim about one recruitment",
        "owner": str(house.nordlys.dpo.pk),
        "review_on": review.isoformat(),
        "jobs": "77",
        **changes,
    }


def test_a_dpo_sees_whom_a_hold_would_hold_then_opens_it(house: House, dora: Client) -> None:
    seen = text(dora.post("/holds/new/", filled(house, preview="1")))
    assert "<strong>4</strong> people today" in seen
    with scope.enter(house.nordlys.id):
        assert not HoldCase.objects.exists()
    page = text(dora.post("/holds/new/", filled(house, open="1"), follow=True))
    assert "Legal hold 1" in page
    assert "Prud&#x27;hommes 24/0178" in page
    assert "Quillfeather" in page
    assert "Prud&#x27;hommes 24/0178" in text(dora.get("/holds/"))
    record = text(dora.get(f"/records/{house.ada}/"))
    assert "Case 1" in record
    assert "Kept under legal hold 1" in record


def test_a_hold_that_asks_nothing_is_refused_with_what_was_typed(
    house: House, dora: Client
) -> None:
    answer = dora.post("/holds/new/", filled(house, jobs="", open="1"))
    assert answer.status_code == 422
    assert "at least one criterion" in text(answer)
    assert "Prud&#x27;hommes 24/0178" in text(answer)


def test_a_criterion_that_cannot_be_is_refused_before_anything_is_shown(
    house: House, dora: Client
) -> None:
    answer = dora.post("/holds/new/", filled(house, countries="FR, UK", preview="1"))
    assert answer.status_code == 422
    assert "“UK” is no country" in text(answer)
    assert "people today" not in text(answer)


def test_a_case_is_reviewed_and_released(house: House, dora: Client) -> None:
    dora.post("/holds/new/", filled(house, open="1"))
    with scope.enter(house.nordlys.id):
        case = HoldCase.objects.get()
        HoldCase.objects.update(review_on=clock.today("Europe/Paris"))
    assert "1 legal hold is to be reviewed" in text(dora.get("/"))
    again = clock.now().date() + timedelta(days=30)
    form = {"review_on": again.isoformat(), "owner": str(house.nordlys.recops.pk)}
    assert "The hold goes on" in text(dora.post(f"/holds/{case.pk}/review/", form, follow=True))
    assert "to be reviewed" not in text(dora.get("/"))
    dora.post(f"/holds/{case.pk}/release/")
    assert "released" in text(dora.get(f"/holds/{case.pk}/"))
    with scope.enter(house.nordlys.id):
        assert not held.is_held(Record.objects.get(pk=house.ada).subject_id)


def test_recops_read_cases_and_open_none(house: House, rik: Client, dora: Client) -> None:
    assert "Only a DPO opens a hold." in text(rik.get("/holds/new/"))
    rik.post("/holds/new/", filled(house, open="1"))
    with scope.enter(house.nordlys.id):
        assert not HoldCase.objects.exists()
    dora.post("/holds/new/", filled(house, open="1"))
    with scope.enter(house.nordlys.id):
        case = HoldCase.objects.get()
    page = text(rik.get(f"/holds/{case.pk}/"))
    assert "Release everyone it holds" not in page


def test_of_another_controller_no_case_is_seen(house: House, dora: Client, mallory: Client) -> None:
    dora.post("/holds/new/", filled(house, open="1"))
    with scope.enter(house.nordlys.id):
        case = HoldCase.objects.get()
    assert mallory.get(f"/holds/{case.pk}/").status_code == 404
    assert mallory.post(f"/holds/{case.pk}/release/").status_code == 404


@pytest.mark.parametrize("address", ["/holds/", "/holds/new/"])
def test_the_pages_speak_french(house: House, address: str) -> None:
    page = text(browser(house.nordlys.dpo, "fr").get(address))
    assert "Ouvrir" in page
    assert "Open a hold" not in page


def test_a_restriction_is_placed_and_lifted_on_the_record(house: House, dora: Client) -> None:
    page = f"/records/{house.ada}/"
    assert dora.post(page + "restrict/", {"ground": "claims"})["Location"] == page
    assert "processing restricted" in text(dora.get(page))
    with scope.enter(house.nordlys.id):
        made = Restriction.objects.get()
    late = (clock.now().date() + timedelta(days=9)).isoformat()
    answer = dora.post(f"{page}restriction/{made.pk}/lift/", {"told_on": late})
    assert answer.status_code == 422
    assert "Tell the person first" in text(answer)
    day = clock.today("Europe/Paris").isoformat()
    dora.post(f"{page}restriction/{made.pk}/lift/", {"told_on": day})
    assert "processing restricted" not in text(dora.get(page))
