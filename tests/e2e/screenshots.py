"""Pictures of every page, in French, from a running installation (the demo).

python -m tests.e2e.screenshots --enter http://127.0.0.1:8000/enter/TOKEN [--out docs/screens]

`--enter` is the DPO's single-use link that the demo prints. Writes a PNG per page, on a laptop
and, for some, on a phone, and README.md with a table of what each shows. Ends with status 1 when
a page answers with an error or the browser complains.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.e2e import chromium
from tests.e2e.sizes import PHONE, WIDE

_FIRST = "tbody a[href^='{}']"


@dataclass(frozen=True, slots=True)
class Shot:
    """`path` is opened; then the first link that begins with `follow`, if given; then the
    elements in `press` are pressed in turn."""

    name: str
    path: str
    shows: str
    follow: str = ""
    press: tuple[str, ...] = ()
    phone: bool = False
    #: What a person does once the page is open.
    walk: Callable[[Page], None] | None = None


_EXPORT = """id;prénom;nom;e-mail;statut;date de candidature;date de refus
501;Zoé;Vandrelune;zoe.vandrelune@example.org;refusé;12/01/2026;02/03/2026
502;Léo;Quartzin;leo.quartzin@@example;refusé;15/01/2026;02/03/2026
503;Maya;Tarnholt;maya.tarnholt@example.net;refusé;21/01/2026;31/02/2026
504;Ilan;Fauvergue;ilan.fauvergue@example.net;retiré;28/01/2026;10/02/2026
"""


def _try_a_period(page: Page) -> None:
    page.locator("a[href$='/simulation/']").first.click()
    page.wait_for_load_state()
    page.select_option("select[name=rule]", "talent_pool")
    page.fill("input[name=duration]", "P1Y")
    page.locator("form[method=get] button.primary").click()
    page.wait_for_load_state()


def _see_a_hold(page: Page) -> None:
    page.fill("input[name=matter]", "Conseil de prud’hommes, 24/0178")
    page.fill("textarea[name=reason]", "Action pour discrimination à l’embauche")
    page.fill("input[name=jobs]", "2001, 2005")
    page.locator("button[name=preview]").click()
    page.wait_for_load_state()


def _add_a_recipient(page: Page) -> None:
    """One that a person tells, unless it is there."""
    if page.locator("section.card h2", has_text="Vérif").count():
        return
    page.fill("input[name=name]", "Vérif Antécédents")
    page.locator("form[action$='/add/'] select[name=channel]").select_option("hand")
    page.locator("form[action$='/add/'] input[name=address]").fill("Leur portail, espace RGPD")
    page.locator("form[action$='/add/'] button").click()
    page.wait_for_load_state()


def _go_to_an_import(page: Page) -> None:
    """The first connection that takes files; one is added where there is none."""
    link = page.locator("a[href$='/import/']")
    if not link.count():
        page.locator("details.more > summary").last.click()
        page.fill("input[name=name]", "Ancien ATS")
        page.fill("input[name=country]", "FR")
        page.locator("form[action$='/add-import/'] button").click()
        page.wait_for_load_state()
    link.first.click()
    page.wait_for_load_state()


def _check_an_export(page: Page) -> None:
    _go_to_an_import(page)
    file = {"name": "export.csv", "mimeType": "text/csv", "buffer": _EXPORT.encode()}
    page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]  # a TypedDict
    page.locator("main button.primary").click()
    page.wait_for_url("**/import/check/")


def _open_the_brakes(page: Page) -> None:
    page.locator("form[action$='/brakes/']").first.evaluate("f => f.parentElement.open = true")


def _map_a_word(page: Page) -> None:
    """Another meaning of a word, seen on the records before it is saved."""
    greenhouse = page.locator("section.card", has_text="Greenhouse").first
    greenhouse.locator("a[href$='/mapping/']").click()
    page.wait_for_load_state()
    chosen = page.locator("tr", has_text="Offer").locator("select")
    if chosen.count():
        chosen.first.select_option("hired")
    page.locator("button[name=preview]").click()
    page.wait_for_load_state()


def _go_to_the_archive(page: Page) -> None:
    """Of the legal entity that keeps one."""
    here = page.locator(".entity summary").first
    if "Vantage" not in here.inner_text():
        here.click()
        page.locator(".entity button").first.click()
        page.wait_for_load_state()
    page.goto(urljoin(page.url, "/archive/"))


def _open_an_archive(page: Page) -> None:
    _go_to_the_archive(page)
    page.locator("tbody a[href^='/archive/']").first.click()
    page.wait_for_load_state()
    page.locator("form[action$='/open/'] textarea").fill("Conseil de prud’hommes, 26/0042")
    page.locator("form[action$='/open/'] button").click()
    page.wait_for_load_state()


SHOTS = (
    Shot("today", "/", "Aujourd’hui : ce qui attend, pourquoi, et la suite", phone=True),
    Shot("records", "/records/", "Les dossiers, par échéance, avec leurs filtres", phone=True),
    Shot(
        "record",
        "/records/?outcome=due",
        "Un dossier : pourquoi cette date, gel, consentements, chronologie",
        follow="/records/",
        phone=True,
    ),
    Shot("plans", "/plans/", "Les purges et leur résultat"),
    Shot(
        "plan",
        "/plans/",
        "Une purge : où elle en est, ce qu’elle touche, dossier par dossier",
        follow="/plans/",
        phone=True,
    ),
    Shot(
        "ledger",
        "/ledger/",
        "Le journal d’audit, vérifié depuis la première entrée",
        press=("#verdict button",),
    ),
    Shot("policies", "/policies/", "Les durées de conservation, leurs sources et signatures"),
    Shot(
        "simulation",
        "/policies/",
        "Une simulation : qui deviendrait à purger avec une durée plus courte, mois par mois",
        walk=_try_a_period,
    ),
    Shot("holds", "/holds/", "Les gels juridiques : affaire, responsable, date de réexamen"),
    Shot(
        "hold-new",
        "/holds/new/",
        "Un gel par critères, vu avant d’être ouvert",
        walk=_see_a_hold,
    ),
    Shot("connections", "/connections/", "Les connexions ATS : état et dernière lecture"),
    Shot(
        "brakes",
        "/connections/",
        "Les freins d’une connexion : ce qu’une purge et une journée peuvent effacer, et à quelles "
        "heures",
        walk=_open_the_brakes,
    ),
    Shot(
        "mapping",
        "/connections/",
        "Les mots d’un ATS : leur sens, vu sur les dossiers avant d’être enregistré",
        walk=_map_a_word,
    ),
    Shot(
        "recipients",
        "/recipients/",
        "Les destinataires : qui est informé d’un effacement, et comment",
        walk=_add_a_recipient,
    ),
    Shot("keys", "/keys/", "Les clés : époques, dates d’irréversibilité, copies"),
    Shot("warnings", "/warnings/", "Les candidats prévenus : le message, les oppositions"),
    Shot(
        "import",
        "/connections/",
        "Le dépôt d’un export CSV, vérifié avant d’être pris",
        walk=_go_to_an_import,
    ),
    Shot(
        "import-check",
        "/connections/",
        "L’essai à blanc : colonnes reconnues, lignes refusées et pourquoi",
        walk=_check_an_export,
    ),
    Shot(
        "archives", "/", "L’archivage intermédiaire : ni noms ni recherche", walk=_go_to_the_archive
    ),
    Shot(
        "archive",
        "/",
        "Une archive ouverte par un lecteur, avec un motif consigné",
        walk=_open_an_archive,
    ),
    Shot("styleguide", "/styleguide/", "Les composants dont les pages sont faites"),
    Shot(
        "menu", "/", "La navigation repliée, ouverte sur un téléphone", press=(".fold > summary",)
    ),
)
STRANGERS = (Shot("sign-in", "/account/login/", "La connexion"),)
#: Only a phone has the folded menu.
ON_A_PHONE_ONLY = {"menu"}


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    path = chromium.path()
    if path is None:
        sys.stderr.write("Error: no Chromium found (python -m tests.e2e.chromium).\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=str(path),
            args=[*chromium.arguments(), "--lang=fr-FR"],
            env={**os.environ, "LANGUAGE": "fr"},
        )
        wrong = _take(browser, options.enter, options.out)
        browser.close()
    _write_table(options.out)
    for complaint in wrong:
        sys.stderr.write(f"Error: {complaint}\n")
    return 1 if wrong else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enter", required=True, help="the DPO's sign-in link")
    parser.add_argument("--out", type=Path, default=Path("docs/screens"))
    return parser.parse_args(arguments)


def _take(browser: Browser, link: str, out: Path) -> list[str]:
    wrong: list[str] = []
    stranger = browser.new_context(locale="fr-FR", viewport=WIDE)
    _shoot(stranger, link, STRANGERS, out, "", wrong)
    signed_in = _enter(stranger, link)
    laptop = browser.new_context(locale="fr-FR", viewport=WIDE, storage_state=signed_in)
    on_laptop = [shot for shot in SHOTS if shot.name not in ON_A_PHONE_ONLY]
    _shoot(laptop, link, on_laptop, out, "", wrong)
    phone = browser.new_context(locale="fr-FR", viewport=PHONE, storage_state=signed_in)
    on_phone = [shot for shot in SHOTS if shot.phone or shot.name in ON_A_PHONE_ONLY]
    _shoot(phone, link, on_phone, out, "-phone", wrong)
    return wrong


def _enter(context: BrowserContext, link: str) -> StorageState:
    page = context.new_page()
    page.goto(link)
    page.locator("form button.primary").click()
    page.wait_for_url(urljoin(link, "/"))
    return context.storage_state()


def _shoot(
    context: BrowserContext,
    link: str,
    shots: Sequence[Shot],
    out: Path,
    ending: str,
    wrong: list[str],
) -> None:
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for shot in shots:
        _open(page, link, shot, wrong)
        page.screenshot(path=out / f"{shot.name}{ending}.png")


def _open(page: Page, link: str, shot: Shot, wrong: list[str]) -> None:
    answer = page.goto(urljoin(link, shot.path))
    if answer is None or not answer.ok:
        wrong.append(f"{shot.path} answers {answer.status if answer else 'nothing'}")
        return
    first = page.locator(_FIRST.format(shot.follow)).first if shot.follow else None
    if first is not None and first.count():
        first.click()
        page.wait_for_load_state()
    if shot.walk is not None:
        shot.walk(page)
    for pressed in shot.press:
        page.locator(pressed).first.click()
        page.wait_for_load_state("networkidle")


def _write_table(out: Path) -> None:
    """What each picture shows, beside the pictures."""
    lines = [
        "# Les pages de la console",
        "",
        "Prises sur une installation de démonstration (`make screenshots`) ; toutes les personnes",
        "sont inventées. `-phone` : la même page sur un téléphone.",
        "",
        "| image | ce qu’elle montre |",
        "|---|---|",
    ]
    for shot in (*STRANGERS, *SHOTS):
        ending = "-phone" if shot.name in ON_A_PHONE_ONLY else ""
        also = f", [téléphone]({shot.name}-phone.png)" if shot.phone else ""
        lines.append(f"| [{shot.name}]({shot.name}{ending}.png){also} | {shot.shows} |")
    (out / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
