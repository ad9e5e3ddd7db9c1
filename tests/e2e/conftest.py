"""A real browser on a real server: the system's Chromium, driven by Playwright.

`page` is a stranger's; `dora` is the DPO of a house with records, a waiting plan and a sealed
ledger, signed in as in the demo: by a link and its one button.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.accounts import services as accounts
from apps.audit import services as audit
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.retention import services as retention
from apps.subjects.models import Record
from tests import cast
from tests.doors.console.house import House, stock
from tests.e2e import chromium
from tests.e2e.sizes import PHONE, WIDE

# Playwright runs an event loop in this thread; Django then takes every query for an async one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@dataclass(frozen=True)
class Visit:
    """A person before the console."""

    page: Page
    address: str

    def open(self, path: str) -> None:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.path()
    assert path is not None, "no Chromium here: make test-e2e finds or installs it"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=str(path), args=chromium.arguments(), headless=True
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in French whose test fails on any error, refused resource or broken script."""
    yield from watched(browser, WIDE)


def watched(browser: Browser, size: ViewportSize) -> Iterator[Page]:
    context = browser.new_context(locale="fr-FR", viewport=size)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def house(transactional_db: None) -> House:
    """Four expired records, one of them held; a plan of the others waits for the DPO."""
    nordlys, vantage = cast.company(), cast.mallory()
    others = [cast.candidate(number) for number in range(3)]
    connection, records = stock(nordlys, cast.ADA, *others)
    _, theirs = stock(vantage, cast.candidate(99))
    with scope.enter(nordlys.id):
        retention.place_hold(
            actor=nordlys.dpo_actor,
            subject_id=Record.objects.get(pk=records[-1]).subject_id,
            reason="Litige 24/0178",
            review_on=clock.now().date() + timedelta(days=90),
        )
        erasure.propose(actor=nordlys.recops_actor, as_of=clock.today("Europe/Paris"))
    audit.integrate()
    return House(nordlys, vantage, connection, records, theirs[0])


@pytest.fixture
def dora(house: House, page: Page, live_server: LiveServer) -> Visit:
    return _signed_in(house, page, live_server)


@pytest.fixture
def dora_on_a_phone(house: House, browser: Browser, live_server: LiveServer) -> Iterator[Visit]:
    for page in watched(browser, PHONE):
        yield _signed_in(house, page, live_server)


def _signed_in(house: House, page: Page, live_server: LiveServer) -> Visit:
    link = accounts.create_sign_in_link(actor=SYSTEM, user_id=house.nordlys.dpo.pk)
    page.goto(f"{live_server.url}/enter/{link}")
    page.locator("form button.primary").click()
    page.wait_for_url(f"{live_server.url}/")
    return Visit(page, str(live_server.url))
