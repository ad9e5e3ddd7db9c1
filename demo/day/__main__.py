"""`python -m demo.day`: tell the story with progress bars, and show what came of it.

Ends with status 0 only when every claim of the table was checked and held.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from apps.connectors.fakes.greenhouse.portfolio import Case
from demo import installation as place
from demo.day import preparation, story, table
from demo.installation import Account, Installation

ROWS = (
    ("synced", "candidate records taken from the ATSs"),
    ("due", "past their retention period"),
    ("approved", "approved by the DPO"),
    ("verified", "erased, read back and verified"),
    ("archived", "of these, with what a claim may need sealed in the archive first"),
    ("residual", "data remain: shown, never counted as erased"),
    ("unverifiable", "nothing shows whether they are gone: not counted as erased"),
    ("failed", "failed"),
    ("set_aside", "not erased: changed, held or refused meanwhile, or to be done by hand"),
    ("held", "kept by a legal hold"),
    ("traces_found", "traces of people found where none may be"),
    ("ledger_size", "entries in the ledgers"),
    ("ledger_root", "root hash of the instance ledger"),
    ("ledger_verified", "ledgers verified from the first entry"),
    ("seconds", "seconds"),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    installation = place.open_installation(options.data, options.port)
    console = Console(stderr=options.json, highlight=False)
    result = tell(installation, console)
    result.seconds = round(time.monotonic() - started, 1)
    show(installation, result, console, as_json=options.json)
    return 1 if result.broken else 0


def tell(installation: Installation, console: Console) -> table.Table:
    """Both legal entities, from their ATS to the proof."""
    parties = preparation.companies(installation)
    with _bars(console) as bars:
        for company in parties:
            _one_company(installation, company, bars)
        for company in parties:
            task = bars.add_task(f"{company.account.name}: erasing and reading back", total=1.0)
            for fraction in story.follow(company):
                bars.update(task, completed=fraction)
            bars.update(task, completed=1.0)
        task = bars.add_task("Checking every claim, searching for traces", total=None)
        result = table.build(installation, parties)
        bars.update(task, total=1.0, completed=1.0)
    return result


def _one_company(installation: Installation, company: preparation.Company, bars: Progress) -> None:
    name = company.account.name
    connection = preparation.prepare(company)
    _announce(installation, company.account, str(connection.pk))
    task = bars.add_task(f"{name}: taking candidates from Greenhouse", total=1.0)
    story.synchronise(company, connection, lambda done: bars.update(task, completed=done))
    bars.update(task, completed=1.0)
    everyone = story.cases(installation, company.account)
    task = bars.add_task(f"{name}: consents, holds, deadlines", total=3)
    story.consents_given(company, connection, everyone)
    bars.advance(task)
    story.holds_placed(company, connection, everyone)
    bars.advance(task)
    story.decide(company)
    bars.advance(task)
    _make_faulty(installation, company.account, story.faulty(everyone))
    story.plan_and_approve(company)


def _announce(installation: Installation, account: Account, connection_id: str) -> None:
    """Tell the fake account where its webhooks go, as an administrator does in the vendor's UI."""
    connections = {**installation.facts["connections"], account.name: connection_id}
    place.remember(installation, connections=connections)
    url = f"{installation.base_url}/webhooks/greenhouse/{connection_id}/"
    _control(account, "settings", {"webhook_url": url})


def _make_faulty(
    installation: Installation, account: Account, faulty: tuple[list[Case], list[Case]]
) -> None:
    """A few records meet an ATS that ignores a field, or whose confirmation is lost."""
    if account.name in installation.facts.get("faulty", []):
        return
    ignored, unconfirmed = ([case.remote_id for case in some] for some in faulty)
    _control(
        account,
        "faults",
        {"name": "silent_ignore", "candidate_ids": ignored, "fields": ["notes", "phone_numbers"]},
    )
    _control(account, "faults", {"name": "webhook_lost", "candidate_ids": unconfirmed})
    done = [*installation.facts.get("faulty", []), account.name]
    place.remember(installation, faulty=done)


def _control(account: Account, what: str, body: dict[str, object]) -> None:
    answer = httpx.post(
        f"{account.url}/_control/{what}",
        json=body,
        headers={"Authorization": f"Bearer {account.control_token}"},
        timeout=30,
    )
    answer.raise_for_status()


def _bars(console: Console) -> Progress:
    text = TextColumn("{task.description}")
    return Progress(text, BarColumn(), TimeElapsedColumn(), console=console)


def show(
    installation: Installation, result: table.Table, console: Console, *, as_json: bool
) -> None:
    """The table, where to go next, and, last, the JSON for machines."""
    shown = RichTable(title="What is in the store now", title_justify="left", show_header=False)
    for key, meaning in ROWS:
        shown.add_row(meaning, str(getattr(result, key)))
    console.print(shown)
    for claim in result.broken:
        console.print(f"[bold red]Does not hold:[/] {claim}")
    for role, link in story.sign_in_links(installation).items():
        console.print(f"{role}: {link}", soft_wrap=True)
    if as_json:
        sys.stdout.write(result.as_json() + "\n")
        sys.stdout.flush()
    else:
        console.print(f"\nThe page: [bold]{installation.base_url}[/] · Ctrl-C ends everything.")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
