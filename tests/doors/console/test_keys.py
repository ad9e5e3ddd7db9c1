"""The page of keys: epochs, copies, and what an operator should look at."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import epochs
from apps.keys.models import Copy, Epoch
from apps.subjects import shredding
from tests.doors.console.house import House, browser, text


def test_epochs_and_copies_are_told_with_their_days(house: House, dora: Client) -> None:
    with scope.enter(house.nordlys.id):
        shredding.end_epoch(actor=SYSTEM)
    until = clock.now().date() + timedelta(days=5)
    Copy.objects.create(id=new_id(), expires_on=until)
    page = text(dora.get("/keys/"))
    assert "key destroyed" in page
    assert "in force" in page
    assert "opens until" in page
    assert "one PostgreSQL cluster" in page, "as the tests' own server is"


def test_a_lost_key_file_is_told_at_once(house: House, dora: Client) -> None:
    with scope.enter(house.nordlys.id):
        (epoch,) = Epoch.objects.filter(controller_id=house.nordlys.id)
        epochs.destroy(epoch.pk)
    page = text(dora.get("/keys/"))
    assert "The key file of epoch 1 is missing" in page
    theirs = text(browser(house.vantage.dpo).get("/keys/"))
    assert "is missing" not in theirs
