"""The page of the retention periods: what a DPO must know before signing."""

from __future__ import annotations

from django.test import Client

from apps.core import scope
from apps.retention.models import Policy
from tests.doors.console.house import House, browser, text


def _drafted(client: Client, pack: str) -> str:
    answer = client.post("/policies/load/", {"pack": pack}, follow=True)
    assert answer.status_code == 200
    return text(answer)


def test_the_picker_offers_countries_by_name_and_not_the_base(house: House) -> None:
    page = text(browser(house.nordlys.recops, "fr").get("/policies/"))
    assert '<option value="de">Allemagne</option>' in page
    assert '<option value="fr-cnil" selected>France, guide recrutement de la CNIL</option>' in page
    assert "eu-default" not in page


def test_a_draft_shows_how_sure_it_is_and_what_to_check_before_signing(
    house: House, dora: Client
) -> None:
    page = _drafted(dora, "be")
    assert "To check before signing" in page
    assert "C: from general knowledge" in page
    assert "No text fixes a period." in page
    # What it takes over from the base is to be checked too.
    assert "No text of the Union fixes these periods." in page


def test_what_the_law_asks_besides_periods_is_said(house: House, dora: Client) -> None:
    portugal = _drafted(dora, "pt")
    assert "Register of recruitment processes, broken down by sex" in portugal
    assert "You keep this register 5 years" in portugal
    assert "given only to: courts, prosecutors, authorities" in _drafted(dora, "es")
    assert "your DPO&#x27;s written balancing test" in _drafted(dora, "pl")
    assert "The consent must be in writing." in _drafted(dora, "nl")
    assert "place a legal hold" in _drafted(dora, "ch")


def test_the_page_speaks_the_readers_language(house: House) -> None:
    page = _drafted(browser(house.nordlys.dpo, "fr"), "de")
    assert "À vérifier avant de signer" in page
    assert "asks to be guided" not in page
    assert "Bade-Wurtemberg" in page


def test_a_draft_says_in_plain_words_what_it_changes(house: House, dora: Client) -> None:
    page = _drafted(dora, "fr-cnil")
    assert "What changes against version 1" in page
    # The override that switched the archive off belonged to version 1.
    assert "evidence of a rejected application: 5 years instead of switched off." in page
    assert "What changes against version" not in _drafted(dora, "de")  # nothing governs there


def test_two_people_sign_and_a_dpo_puts_it_in_force(house: House, dora: Client) -> None:
    _drafted(dora, "de")
    rik = browser(house.nordlys.recops)
    with scope.enter(house.nordlys.id):
        draft = Policy.objects.get(pack="de")
    for client in (dora, rik):
        client.post(f"/policies/{draft.pk}/sign/")
    today = "2026-11-01"
    dora.post(f"/policies/{draft.pk}/activate/", {"active_from": today})
    with scope.enter(house.nordlys.id):
        draft.refresh_from_db()
        assert (draft.state, str(draft.active_from)) == ("active", today)


def test_a_pack_that_is_not_there_is_refused_and_nothing_drafted(
    house: House, dora: Client
) -> None:
    for pack in ("eu-default", "atlantis", "../schema"):
        assert dora.post("/policies/load/", {"pack": pack}).status_code in {404, 422, 400}
    with scope.enter(house.nordlys.id):
        assert Policy.objects.count() == 1


def test_a_simulation_tells_who_becomes_due_and_who_no_longer_is(
    house: House, dora: Client
) -> None:
    _drafted(dora, "fr-cnil")
    with scope.enter(house.nordlys.id):
        first, draft = Policy.objects.order_by("number")
    # The pack keeps the archive that version 1 had switched off: those due now leave.
    page = text(dora.get(f"/policies/{draft.pk}/simulation/"))
    assert f"Simulation of version {draft.number}" in page
    assert "would no longer be due" in page
    assert "Would go to the archive" in page
    # A shorter period for one rule of what governs: more become due, and each is named.
    tried = {"rule": "rejected", "duration": "p0d", "job": ""}
    page = text(dora.get(f"/policies/{first.pk}/simulation/", tried))
    assert "with 0 days for “rejected application”" in page
    assert "Ada" in page


def test_the_list_of_a_simulation_is_exported_without_names(house: House, dora: Client) -> None:
    with scope.enter(house.nordlys.id):
        policy = Policy.objects.get()
    answer = dora.get(f"/policies/{policy.pk}/simulation/list/", {"change": "due"})
    assert answer["Content-Type"].startswith("text/csv")
    head, *rows = text(answer).strip().splitlines()
    assert head == "record,rule,outcome,due_on"
    assert rows
    assert all("rejected,due,20" in row for row in rows)
    assert "Ada" not in text(answer)


def test_a_period_that_cannot_be_tried_says_why(house: House, dora: Client) -> None:
    with scope.enter(house.nordlys.id):
        policy = Policy.objects.get()
    tried = {"rule": "rejected", "duration": "3 months"}
    answer = dora.get(f"/policies/{policy.pk}/simulation/", tried)
    assert answer.status_code == 422
    assert "Write the period as P3M" in text(answer)
    tried = {"rule": "spontaneous", "duration": "P3M", "job": "77"}
    assert "leave the job empty" in text(dora.get(f"/policies/{policy.pk}/simulation/", tried))


def test_a_dpo_drafts_a_version_under_another_reading(house: House, dora: Client) -> None:
    page = _drafted(dora, "fr-cnil")
    assert "Two years after the last contact" in page
    assert "asks for consent" in page
    with scope.enter(house.nordlys.id):
        draft = Policy.objects.order_by("-number").first()
    assert draft is not None
    form = {"variant": "rejected=last_contact", "reason": "Long hiring cycles."}
    page = text(dora.post(f"/policies/{draft.pk}/variant/", form, follow=True))
    assert "chosen here" in page
    assert "2 years" in page
    form["reason"] = ""
    assert dora.post(f"/policies/{draft.pk}/variant/", form).status_code == 422
    others = browser(house.nordlys.recops, "en").get(f"/policies/{draft.pk}/")
    assert "Draft a version under another reading" not in text(others)


def test_a_period_for_one_job_stands_beside_that_of_the_rule(house: House, dora: Client) -> None:
    with scope.enter(house.nordlys.id):
        policy = Policy.objects.get()
    form = {"rule": "rejected", "duration": "P2M", "job": "77", "reason": "Seasonal work."}
    page = text(dora.post(f"/policies/{policy.pk}/override/", form, follow=True))
    assert "job 77: 2 months" in page
    assert "override; the pack says 3 months" not in page
    # A new draft is compared with what the rule says everywhere.
    assert "rejected application: 3 months instead of 2 months" not in _drafted(dora, "fr-cnil")
