"""The archive in the console: references only, one opened at a time, with a reason."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.erasure.models import Archive
from apps.retention import services as retention
from tests.doors.console.archived import NAME, Filled, archived
from tests.doors.console.house import House, text


@pytest.fixture
def filled(house: House) -> Filled:
    return archived(house)


def reading(house: House, user: object) -> None:
    with scope.enter(house.nordlys.id):
        accounts.grant(actor=SYSTEM, user_id=user.pk, role="archive_reader")  # type: ignore[attr-defined]  # a user


def test_the_list_names_nobody(house: House, rik: Client, filled: Filled) -> None:
    page = text(rik.get("/archive/"))
    assert "1 file is kept here as evidence only" in page
    assert f"/archive/{filled.archive.pk}/" in page
    assert "Quillfeather" not in page
    shown = text(rik.get(f"/archive/{filled.archive.pk}/"))
    assert "Only an archive reader opens it" in shown
    assert NAME not in shown


def test_an_archive_that_no_period_ends_is_on_the_first_page(
    house: House, dora: Client, filled: Filled
) -> None:
    """In this house the rule of the archive is switched off."""
    assert "1 archive has no end" in text(dora.get("/"))
    listed = text(dora.get("/archive/?endless=1"))
    assert "1 file that no period in force ends" in listed
    assert f"/archive/{filled.archive.pk}/" in listed
    with scope.enter(house.nordlys.id):
        rules = {one.cell.rule for one in filled.archive.grounds.all()}
        for rule in rules:
            retention.override(
                actor=house.nordlys.dpo_actor,
                policy_id=filled.archive.policy_id,
                rule=rule,
                duration="P5Y",
                reason="Kept as evidence",
                active_from=clock.today("Europe/Paris"),
            )
    assert "archive has no end" not in text(dora.get("/"))
    none = text(dora.get("/archive/?endless=1"))
    assert f"/archive/{filled.archive.pk}/" not in none
    assert "Every archive has an end" in none


def test_a_reader_opens_it_with_a_reason_and_the_dpo_sees_who_and_why(
    house: House, rik: Client, dora: Client, filled: Filled
) -> None:
    address = f"/archive/{filled.archive.pk}/"
    nobody = rik.post(f"{address}open/", {"reason": "A claim"})
    assert nobody.status_code == 422
    assert NAME not in text(nobody)
    reading(house, house.nordlys.recops)
    refused = rik.post(f"{address}open/", {"reason": ""})
    assert refused.status_code == 422
    assert NAME not in text(refused)
    answer = rik.post(f"{address}open/", {"reason": "Claim 26/0042"})
    assert NAME in text(answer)
    assert answer["Cache-Control"] == "no-store"
    assert NAME not in text(rik.get(address))
    assert "Claim 26/0042" in text(dora.get(address))
    assert "Claim 26/0042" not in text(rik.get(address))
    assert "Archive opened, with a reason" in text(dora.get("/ledger/"))


def test_only_the_dpo_takes_a_copy_out(
    house: House, rik: Client, dora: Client, filled: Filled
) -> None:
    address = f"/archive/{filled.archive.pk}/export/"
    nobody = rik.post(address, {"reason": "A claim"})
    assert nobody.status_code == 422
    assert NAME not in text(nobody)
    assert dora.post(address, {"reason": ""}).status_code == 422
    answer = dora.post(address, {"reason": "A claim"})
    assert answer["Content-Disposition"].startswith('attachment; filename="archive-')
    assert answer.json() == filled.content
    assert NAME not in answer["Content-Disposition"]
    assert "took a copy" in text(dora.get(f"/archive/{filled.archive.pk}/"))


def test_what_was_disposed_of_opens_no_more(house: House, rik: Client, filled: Filled) -> None:
    reading(house, house.nordlys.recops)
    with scope.enter(house.nordlys.id):
        Archive.objects.update(state=Archive.State.DISPOSING)
        erasure.dispose_ended(actor=SYSTEM)
    page = text(rik.get(f"/archive/{filled.archive.pk}/"))
    assert "It holds nothing any more" in page


def test_nobody_else_sees_it(mallory: Client, filled: Filled) -> None:
    for what in ("", "open/", "export/"):
        address = f"/archive/{filled.archive.pk}/{what}"
        call = mallory.post if what else mallory.get
        assert call(address, {"reason": "A claim"}).status_code == 404
    assert "0 files are kept" in text(mallory.get("/archive/"))
