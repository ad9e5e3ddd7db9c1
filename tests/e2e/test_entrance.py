import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests import cast

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def _sign_in(page: Page, live_server: LiveServer, email: str) -> None:
    page.goto(f"{live_server.url}/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", "long enough 42")
    page.press("input[name=password]", "Enter")
    page.wait_for_load_state("networkidle")


def test_the_sign_in_page_is_french_and_open_to_everybody(
    page: Page, live_server: LiveServer
) -> None:
    page.goto(f"{live_server.url}/")
    assert page.locator("html").get_attribute("lang") == "fr"
    assert Axe().run(page).response["violations"] == []


def test_a_dpo_signs_in_and_sees_the_day(page: Page, live_server: LiveServer) -> None:
    company = cast.company()
    _sign_in(page, live_server, company.dpo.email)
    assert page.locator("h1").first.inner_text()
    assert page.locator("input[name=password]").count() == 0
    assert Axe().run(page).response["violations"] == []
