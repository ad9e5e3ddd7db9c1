"""The console in a real browser: every page read by axe, the main paths walked by keyboard.

Texts are not looked for here, so that these tests hold in every language.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.connectors import services as connectors
from apps.core import scope
from apps.erasure import selectors as erasure
from tests.doors.console.archived import archived, warned
from tests.doors.console.house import House
from tests.e2e.conftest import Visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PAGES = (
    "/",
    "/records/",
    "/records/?outcome=kept",
    "/plans/",
    "/ledger/",
    "/policies/",
    "/connections/",
    "/holds/",
    "/holds/new/",
    "/warnings/",
    "/recipients/",
    "/figures/",
    "/keys/",
    "/by-hand/",
    "/archive/",
    "/styleguide/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
)


def _paths(house: House) -> list[str]:
    """Every page there is to look at, with one record, one held, and the waiting plan."""
    with scope.enter(house.nordlys.id):
        plan = erasure.plans().get()
    return [
        *PAGES,
        f"/records/{house.ada}/",
        f"/records/{house.records[-1]}/",
        f"/plans/{plan.pk}/",
        f"/connections/{house.connection.pk}/import/",
        f"/connections/{house.connection.pk}/mapping/",
        f"/archive/{archived(house).archive.pk}/",
        warned(house),
    ]


def _violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def test_axe_finds_nothing_on_any_page_in_light_or_dark(house: House, dora: Visit) -> None:
    paths = _paths(house)
    for scheme in ("light", "dark"):
        dora.page.emulate_media(color_scheme=scheme)
        for path in paths:
            dora.open(path)
            assert _violations(dora.page) == [], f"{path} ({scheme})"


def test_axe_would_find_something(dora: Visit) -> None:
    """The test above can fail: a button without a name is found."""
    dora.open("/styleguide/")
    dora.page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any("button-name" in found for found in _violations(dora.page))


def test_no_page_is_wider_than_a_phone(house: House, dora_on_a_phone: Visit) -> None:
    for path in _paths(house):
        dora_on_a_phone.open(path)
        width = dora_on_a_phone.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path


def test_the_navigation_folds_on_a_phone(dora_on_a_phone: Visit) -> None:
    page = dora_on_a_phone.page
    link = page.locator(".fold a[href='/ledger/']")
    assert not link.is_visible()
    page.locator(".fold > summary").click()
    link.click()
    page.wait_for_url("**/ledger/")


def test_the_ledger_verifies_without_leaving_the_page(dora: Visit) -> None:
    """Htmx works under the strict policy; the answer comes where the button is."""
    dora.open("/ledger/")
    dora.page.evaluate("window.stayed = true")
    dora.page.locator("#verdict button").click()
    dora.page.wait_for_selector("#verdict .notice.success")
    assert dora.page.evaluate("window.stayed") is True


def test_a_plan_is_approved_and_called_back_by_keyboard_alone(house: House, dora: Visit) -> None:
    """A page that moves by itself in between: the countdown is fetched every two seconds."""
    with scope.enter(house.nordlys.id):
        plan = erasure.plans().get()
        connectors.change(
            actor=house.nordlys.dpo_actor,
            connection_id=house.connection.pk,
            values={"grace_seconds": 600},
        )
    dora.open(f"/plans/{plan.pk}/")
    _press(dora.page, "form[action$='/approve/'] button")
    dora.page.wait_for_selector("form[action$='/call-back/']")
    before = dora.page.locator("#progress h2").inner_text()
    dora.page.wait_for_function(
        "before => document.querySelector('#progress h2').innerText !== before", arg=before
    )
    _press(dora.page, "form[action$='/call-back/'] button")
    dora.page.wait_for_selector("form[action$='/approve/']")


def _press(page: Page, selector: str) -> None:
    """Walk with Tab until the element has the focus, as seen on the screen, then Enter."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("chosen => document.activeElement?.matches(chosen)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            page.keyboard.press("Enter")
            return
    pytest.fail(f"{selector} cannot be reached with the Tab key")


def test_the_first_tab_skips_to_the_content(dora: Visit) -> None:
    dora.open("/records/")
    dora.page.keyboard.press("Tab")
    dora.page.keyboard.press("Enter")
    assert dora.page.evaluate("location.hash") == "#main"


def test_a_search_by_e_mail_leaves_no_trace_in_the_address(house: House, dora: Visit) -> None:
    dora.open("/records/")
    dora.page.fill("#search_q", "ada.quillfeather@example.org")
    dora.page.keyboard.press("Enter")
    dora.page.wait_for_url("**/records/search/")
    links = dora.page.locator("tbody a")
    assert links.count() == 1
    assert links.get_attribute("href") == f"/records/{house.ada}/"


def test_the_language_is_switched_and_stays(dora: Visit) -> None:
    dora.open("/plans/")
    dora.page.locator(".side button[value=en]").click()
    dora.page.wait_for_selector("html[lang=en]")
    dora.open("/records/")
    assert dora.page.locator("html").get_attribute("lang") == "en"


def test_evidence_prints_without_navigation_and_buttons(house: House, dora: Visit) -> None:
    dora.open(f"/records/{house.ada}/")
    dora.page.emulate_media(media="print")
    assert not dora.page.locator(".side").is_visible()
    assert dora.page.locator("h1").is_visible()
    assert dora.page.locator("form:visible").count() == 0


def test_a_file_is_checked_and_its_good_lines_taken(house: House, dora: Visit) -> None:
    dora.open(f"/connections/{house.connection.pk}/import/")
    lines = "id;nom;email;statut\n501;Vandrelune;zoe@example.org;refusé\n502;Q;leo@@x;refusé\n"
    file = {"name": "export.csv", "mimeType": "text/csv", "buffer": lines.encode()}
    dora.page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]  # a TypedDict
    dora.page.locator("main button.primary").click()
    dora.page.wait_for_url("**/import/check/")
    assert _violations(dora.page) == []
    dora.page.locator("button[formaction$='/take/']").click()
    dora.page.wait_for_url("**/records/")
    assert dora.page.locator(".notice.success").is_visible()


def test_a_candidate_stays_and_takes_it_back_by_their_link(
    house: House, page: Page, live_server: LiveServer
) -> None:
    """As a browser sends the form: its Origin depends on the page's own Referrer-Policy."""
    page.goto(live_server.url + warned(house))
    page.locator("button[value='en']").click()
    page.wait_for_selector("html[lang='en']")
    page.locator("button[value='stay']").click()
    page.locator("button[value='withdraw']").click()
    page.wait_for_selector("main:not(:has(button[name='answer']))")
