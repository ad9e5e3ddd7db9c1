"""The ledger's page: read, filtered, verified."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import scope
from tests import cast
from tests.doors.console.house import House, browser, stock, text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sealed() -> House:
    """The house with its entries placed: sealing needs a transaction of its own."""
    nordlys, vantage = cast.company(), cast.mallory()
    connection, records = stock(nordlys, cast.ADA)
    _, theirs = stock(vantage, cast.candidate(99))
    audit.integrate()
    return House(nordlys, vantage, connection, records, theirs[0])


def test_the_ledger_is_read_filtered_and_verified(sealed: House) -> None:
    """One test: placing entries costs a database of its own."""
    dora = browser(sealed.nordlys.dpo)
    page = text(dora.get("/ledger/"))
    assert "Policy version 1 signed as DPO" in page
    assert "Not verified in this session yet" in page
    assert sealed.nordlys.controller.pk.hex[-12:] in page  # the checkpoint's origin
    _filters_select(dora, sealed.nordlys.recops)
    _verifies(dora)
    _others_read_their_own(sealed)


def _filters_select(dora: Client, rik: User) -> None:
    signed = text(dora.get("/ledger/", {"verb": "policy.signed"}))
    assert "signed as DPO" in signed
    assert "Policy version 1 drafted" not in signed.split("<tbody>")[1]
    his = text(dora.get("/ledger/", {"actor": f"user:{rik.pk}"}))
    assert "signed as RecOps" in his
    assert "signed as DPO" not in his
    assert "No entry matches" in text(dora.get("/ledger/", {"until": "2020-01-01"}))
    assert "Enter a valid UUID" in text(dora.get("/ledger/", {"object": "ada@example.org"}))


def _verifies(dora: Client) -> None:
    fragment = text(dora.post("/ledger/verify/", headers={"hx-request": "true"}))
    assert "<html" not in fragment
    assert "Verified: all" in fragment
    assert dora.post("/ledger/verify/")["Location"] == "/ledger/"
    assert "Verified: all" in text(dora.get("/"))


def _others_read_their_own(sealed: House) -> None:
    mallory = browser(sealed.vantage.dpo)
    page = text(mallory.get("/ledger/"))
    assert sealed.nordlys.controller.pk.hex[-12:] not in page
    assert "Not verified in this session yet" in page
    with scope.enter(sealed.nordlys.id):
        held = str(sealed.ada)
    assert "No entry matches" in text(mallory.get("/ledger/", {"object": held}))
