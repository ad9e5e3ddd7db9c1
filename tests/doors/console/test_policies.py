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
