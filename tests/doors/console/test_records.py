"""Records: found, listed by due date, explained; holds and consents from the page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import SavedView
from apps.consents import selectors as consents
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.retention import held
from apps.subjects import shredding
from apps.subjects.models import Record
from tests.doors.console.house import House, browser, text

ADA = "Ada Quillfeather"
MAIL = "ada.quillfeather@example.org"


def _subject(house: House) -> object:
    with scope.enter(house.nordlys.id):
        return Record.objects.get(pk=house.ada).subject_id


def test_the_list_shows_names_and_how_late_they_are(house: House, rik: Client) -> None:
    page = text(rik.get("/records/"))
    assert ADA in page
    assert "late" in page
    assert "rejected application" in page


def test_a_list_never_shows_another_controllers_people(house: House, mallory: Client) -> None:
    page = text(mallory.get("/records/"))
    assert "Tarnholt99" in page
    assert "Quillfeather" not in page
    assert "Tarnholt1" not in page.replace("Tarnholt99", "")


@pytest.mark.parametrize("query", [MAIL, "  " + MAIL.upper()])
def test_an_e_mail_finds_its_person_and_nobody_else(
    house: House, rik: Client, mallory: Client, query: str
) -> None:
    found = text(rik.post("/records/search/", {"q": query}))
    assert ADA in found
    assert "Tarnholt" not in found
    assert ADA not in text(mallory.post("/records/search/", {"q": query}))


def test_an_e_mail_is_never_asked_for_in_an_address(house: House, rik: Client) -> None:
    assert rik.get("/records/search/", {"q": MAIL}).status_code == 405
    assert 'action="/records/search/"' in text(rik.get("/records/"))


def test_a_reference_finds_its_record(house: House, rik: Client) -> None:
    reference = house.ada.hex[-8:].upper()
    assert ADA in text(rik.post("/records/search/", {"q": reference}))
    assert ADA in text(rik.post("/records/search/", {"q": str(house.ada)}))
    assert "Nobody found" in text(rik.post("/records/search/", {"q": "FFFFFFFF"}))


def test_filters_count_and_select(house: House, rik: Client) -> None:
    assert ADA in text(rik.get("/records/", {"outcome": "due"}))
    assert "Nothing here" in text(rik.get("/records/", {"outcome": "kept"}))
    assert "Nothing here" in text(rik.get("/records/", {"outcome": "erased"}))


def test_a_list_asks_the_database_as_often_for_four_as_for_one(
    house: House, rik: Client, django_assert_max_num_queries: object
) -> None:
    rik.get("/records/")
    with django_assert_max_num_queries(30):  # type: ignore[operator]  # pytest-django's fixture
        rik.get("/records/")


def test_a_record_says_why_its_date(house: House, dora: Client) -> None:
    page = text(dora.get(f"/records/{house.ada}/"))
    for words in (ADA, MAIL, "Due since", "rejected application", "decides", "Policy version 1"):
        assert words in page


def test_a_dpo_holds_and_releases(house: House, dora: Client) -> None:
    review = clock.now().date() + timedelta(days=90)
    page = f"/records/{house.ada}/"
    form = {"reason": "Dispute 24/0178 before the court", "review_on": review.isoformat()}
    assert dora.post(page + "hold/", form)["Location"] == page
    assert "Dispute 24/0178" in text(dora.get(page))
    with scope.enter(house.nordlys.id):
        hold = held.holds().get()
    assert dora.post(f"{page}hold/{hold.pk}/release/")["Location"] == page
    assert "Dispute 24/0178" not in text(dora.get(page))


def test_a_refused_form_keeps_what_was_typed_and_says_what_to_do(
    house: House, dora: Client
) -> None:
    form = {"reason": "Dispute 24/0178", "review_on": "2020-01-01"}
    answer = dora.post(f"/records/{house.ada}/hold/", form)
    assert answer.status_code == 422
    assert "Dispute 24/0178" in text(answer)
    assert "Choose a date in the future" in text(answer)
    with scope.enter(house.nordlys.id):
        assert not held.holds().exists()


def test_recops_neither_see_the_button_nor_place_a_hold(house: House, rik: Client) -> None:
    page = f"/records/{house.ada}/"
    assert "Place a hold" not in text(rik.get(page))
    review = (clock.now().date() + timedelta(days=9)).isoformat()
    rik.post(page + "hold/", {"reason": "Mine", "review_on": review})
    with scope.enter(house.nordlys.id):
        assert not held.holds().exists()


def test_nobody_holds_or_releases_for_another_controller(
    house: House, dora: Client, mallory: Client
) -> None:
    review = (clock.now().date() + timedelta(days=9)).isoformat()
    form = {"reason": "Mine", "review_on": review}
    assert mallory.post(f"/records/{house.ada}/hold/", form).status_code == 404
    dora.post(f"/records/{house.ada}/hold/", form)
    with scope.enter(house.nordlys.id):
        hold = held.holds().get()
    mallory.post(f"/records/{house.theirs}/hold/{hold.pk}/release/")
    with scope.enter(house.nordlys.id):
        assert held.holds().exists()


def test_a_consent_is_recorded_then_withdrawn(house: House, rik: Client) -> None:
    page = f"/records/{house.ada}/"
    today = clock.now().date().isoformat()
    rik.post(page + "consent/", {"effective_on": today, "notice": "2026-1"})
    assert "2026-1" in text(rik.get(page))
    rik.post(page + "consent/withdraw/", {"effective_on": today})
    with scope.enter(house.nordlys.id):
        history = consents.history(_subject(house))  # type: ignore[arg-type]  # a UUID
    assert [event.state for event in history] == ["given", "withdrawn"]


def test_a_consent_without_a_notice_is_refused_beside_its_field(house: House, rik: Client) -> None:
    today = clock.now().date().isoformat()
    answer = rik.post(f"/records/{house.ada}/consent/", {"effective_on": today, "notice": " "})
    assert answer.status_code == 422
    assert 'id="consent_notice"' in text(answer)


def test_an_erased_record_tells_what_was_done_and_nothing_of_the_person(
    house: House, dora: Client
) -> None:
    with scope.enter(house.nordlys.id):
        shredding.entomb(actor=SYSTEM, record_ids=[house.ada])
    page = text(dora.get(f"/records/{house.ada}/"))
    assert "Erased and verified" in page
    assert "Quillfeather" not in page
    assert "Place a hold" not in page
    assert "never answered" not in page
    assert "Erased person" in text(dora.get("/records/", {"outcome": "erased"}))


def test_a_record_says_what_to_do_next(house: House, dora: Client, rik: Client) -> None:
    page = f"/records/{house.ada}/"
    assert "propose a plan" in text(rik.get(page))
    rik.post("/plans/propose/")
    assert "it is in plan 1" in text(rik.get(page))


def test_filters_narrow_the_list_and_a_view_keeps_them(house: House, dora: Client) -> None:
    page = text(dora.get("/records/?outcome=due&rule=rejected"))
    assert "Quillfeather" in page
    assert "Keep this view" in page
    assert "Quillfeather" not in text(dora.get("/records/?outcome=due&rule=talent_pool"))
    address = "/records/views/?outcome=due&rule=rejected"
    kept = text(dora.post(address, {"name": "Refused, to erase"}, follow=True))
    assert "Refused, to erase <b>4</b>" in kept
    # Another person has views of their own.
    assert "Refused, to erase" not in text(browser(house.nordlys.recops, "en").get("/records/"))
    with scope.enter(house.nordlys.id):
        view = SavedView.objects.get()
    assert view.query == {"outcome": "due", "rule": "rejected"}
    dora.post(f"/records/views/{view.pk}/forget/")
    assert "Refused, to erase" not in text(dora.get("/records/"))


def test_a_view_without_a_name_or_a_filter_is_refused(house: House, dora: Client) -> None:
    answer = dora.post("/records/views/?outcome=due", {"name": " "})
    assert answer.status_code == 422
    answer = dora.post("/records/views/", {"name": "Everything"})
    assert answer.status_code == 422
    assert "Choose a filter first." in text(answer)
    with scope.enter(house.nordlys.id):
        assert not SavedView.objects.exists()


def test_nobody_removes_the_view_of_somebody_else(house: House, dora: Client, rik: Client) -> None:
    dora.post("/records/views/?outcome=due", {"name": "Mine"})
    with scope.enter(house.nordlys.id):
        view = SavedView.objects.get()
    assert rik.post(f"/records/views/{view.pk}/forget/").status_code == 404
    with scope.enter(house.nordlys.id):
        assert SavedView.objects.exists()


def test_what_is_missing_is_a_filter_of_its_own(house: House, dora: Client) -> None:
    page = text(dora.get("/records/?outcome=undecided&reason=no_trigger"))
    assert "Only those of which this is missing" in page
    assert "Quillfeather" not in page
    # What means nothing is left out, not guessed.
    assert "Quillfeather" in text(dora.get("/records/?outcome=due&reason=bad_luck&rule=x"))
