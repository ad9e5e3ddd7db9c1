"""The words of an ATS in the console: unmapped first, seen on the records, then saved."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client

from apps.connectors.models import Connection
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import mapped
from apps.retention import services as retention
from apps.retention.meanings import Entry
from apps.retention.models import Mapping
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA
from tests.doors.console.house import House, text


@pytest.fixture
def connection(house: House) -> Connection:
    """With one person whose application is “Archivé”, which nobody mapped."""
    with scope.enter(house.nordlys.id):
        found = Record.objects.get(pk=house.ada).connection
        strange = replace(ADA.applications[0], remote_id="8", state="unknown", status="Archivé")
        people = [cast.candidate(88, applications=(strange,))]
        intake.take(actor=SYSTEM, connection_id=found.pk, candidates=people)
        retention.refresh(actor=SYSTEM)
    return found


def fields(page: str) -> dict[str, str]:
    """What the form sends unless something else is chosen."""
    hidden = re.findall(r'name="((?:kind|word)\.\d+|version)" value="([^"]*)"', page)
    chosen = re.findall(r'name="(meaning\.\d+)".*?</select>', page, re.DOTALL)
    return {**dict.fromkeys(chosen, ""), **dict(hidden)}


def answered(page: str, word: str, meaning: str) -> dict[str, str]:
    form = fields(page)
    number = next(name for name, value in form.items() if value == word).split(".")[1]
    return form | {f"meaning.{number}": meaning}


def test_a_word_nobody_mapped_is_seen_previewed_and_saved(
    house: House, rik: Client, connection: Connection
) -> None:
    address = f"/connections/{connection.pk}/mapping/"
    assert "the state of an application is unknown" in text(rik.get("/"))
    assert address in text(rik.get("/connections/"))
    page = text(rik.get(address))
    assert "1 application waits for the meaning of its word" in page
    form = answered(page, "Archivé", "rejected")
    seen = text(rik.post(address, form | {"preview": "1"}))
    assert "<strong>1</strong> record has an application" in seen
    assert "Tarnholt88" in seen
    assert "Save this mapping" in seen
    with scope.enter(house.nordlys.id):
        assert Mapping.objects.count() == 0
    saved = text(rik.post(address, form | {"save": "1"}, follow=True))
    assert "Saved as version 1 with 1 word." in saved
    assert "waits for the meaning" not in saved
    with scope.enter(house.nordlys.id):
        version = mapped.current(connection.pk)
        assert mapped.entries(version) == (Entry("status", "Archivé", "rejected"),)
    assert "the state of an application is unknown" not in text(rik.get("/"))
    assert "Mapping of the connection changed" in text(rik.get("/ledger/"))


def test_the_record_says_which_word_and_leads_to_it(
    house: House, rik: Client, connection: Connection
) -> None:
    with scope.enter(house.nordlys.id):
        record = Record.objects.get(applications__standing__status="Archivé")
    page = text(rik.get(f"/records/{record.pk}/"))
    assert "the ATS says “Archivé” of an application" in page
    assert f"/connections/{connection.pk}/mapping/" in page


def test_an_old_page_overwrites_nothing(
    house: House, rik: Client, dora: Client, connection: Connection
) -> None:
    address = f"/connections/{connection.pk}/mapping/"
    page = text(rik.get(address))
    dora.post(address, answered(page, "Archivé", "hired") | {"save": "1"})
    answer = rik.post(address, answered(page, "Archivé", "rejected") | {"save": "1"})
    assert answer.status_code == 422
    assert "Somebody changed this mapping meanwhile" in text(answer)
    with scope.enter(house.nordlys.id):
        assert mapped.words(connection.pk)[0].meaning == "hired"


def test_nobody_else_sees_it(mallory: Client, connection: Connection) -> None:
    assert mallory.get(f"/connections/{connection.pk}/mapping/").status_code == 404
    assert mallory.post(f"/connections/{connection.pk}/tags/", {}).status_code == 404


def test_tags_are_changed_and_the_ats_is_read_again(
    house: House, rik: Client, connection: Connection
) -> None:
    with scope.enter(house.nordlys.id):
        Connection.objects.filter(pk=connection.pk).update(vendor="greenhouse", cursor="later")
    address = f"/connections/{connection.pk}/tags/"
    page = text(rik.post(address, {"pool_tags": "vivier, alumni,"}, follow=True))
    assert "read again from its beginning" in page
    assert "alumni, vivier" in page
    with scope.enter(house.nordlys.id):
        changed = Connection.objects.get(pk=connection.pk)
        assert (changed.pool_tags, changed.cursor) == (["alumni", "vivier"], "")
