"""The table at the end, and the checks behind it: every claim is looked up, none remembered."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit import verification
from apps.connectors.fakes.greenhouse import people as invented
from apps.connectors.fakes.greenhouse.portfolio import Case
from apps.connectors.models import Connection
from apps.core import scope
from apps.core.ids import new_id
from apps.erasure.models import Plan, Step
from apps.erasure.selectors import all_progress
from apps.retention.models import Hold
from apps.subjects.models import Record
from demo.day import story
from demo.installation import SEED, Account, Installation
from demo.traces import Needles, search

_DATABASES = ("DATABASE_OWNER_URL", "KEYS_DATABASE_OWNER_URL", "BROKER_URL")


@dataclass(slots=True)
class Table:
    """The state of the store, over both legal entities."""

    synced: int = 0
    due: int = 0
    approved: int = 0
    verified: int = 0
    residual: int = 0
    unverifiable: int = 0
    failed: int = 0
    held: int = 0
    traces_found: int = 0
    ledger_size: int = 0
    ledger_root: str = ""
    ledger_verified: bool = False
    seconds: float = 0.0
    #: Claims that did not hold, in words; the exit status is 0 only without any.
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        values = asdict(self)
        return json.dumps({key: values[key] for key in values if key != "broken"})


def build(installation: Installation, parties: list[story.Company]) -> Table:
    """Count, then check each claim against the ATSs, the dumps and the ledger."""
    table = Table()
    for company in parties:
        with scope.enter(company.controller.pk):
            _count(table, company)
    _check_ledger(table, parties)
    _check_accounts(table, installation, parties)
    _search_everything(table, installation)
    return table


def _count(table: Table, company: story.Company) -> None:
    by_state = all_progress().by_state
    table.synced += Record.objects.count()
    table.verified += by_state.get(Step.State.VERIFIED, 0)
    table.residual += by_state.get(Step.State.RESIDUAL, 0)
    table.unverifiable += by_state.get(Step.State.UNVERIFIABLE, 0)
    table.failed += by_state.get(Step.State.FAILED, 0)
    decided = (Plan.State.APPROVED, Plan.State.FINISHED)
    table.approved += Step.objects.filter(plan__state__in=decided).count()
    table.due += story.still_due(company.controller.pk)
    table.due += by_state.get(Step.State.VERIFIED, 0)
    table.held += Hold.objects.filter(released_at=None).count()
    if Record.objects.count() < company.account.candidates:
        table.broken.append(f"{company.account.name}: fewer records than candidates")
    _expect(table, company, by_state)
    if table.failed > 0:
        table.broken.append("some steps failed")
    living = sum(by_state.get(state, 0) for state in ("planned", "claimed", "sent"))
    if living:
        table.broken.append(f"{living} steps have not ended")


def _expect(table: Table, company: story.Company, by_state: dict[str, int]) -> None:
    """What the fake accounts were made to do must show, and everything else be verified."""
    expected = {Step.State.RESIDUAL: story.IGNORED, Step.State.UNVERIFIABLE: story.UNCONFIRMED}
    for state, number in expected.items():
        if by_state.get(state, 0) != number:
            table.broken.append(f"{company.account.name}: {number} {state} steps expected")
    rest = sum(n for state, n in by_state.items() if state not in expected)
    if not rest or by_state.get(Step.State.VERIFIED, 0) != rest:
        table.broken.append(f"{company.account.name}: not every other step is verified")


def _check_ledger(table: Table, parties: list[story.Company]) -> None:
    logs = [company.controller.pk for company in parties] + [audit.INSTANCE]
    audit.integrate()
    verdicts = [verification.verify(log_id) for log_id in logs]
    table.ledger_verified = all(verdict.ok for verdict in verdicts)
    table.ledger_size = sum(verdict.size for verdict in verdicts)
    # The instance log holds the checkpoints of the others: its root stands for all.
    root = verdicts[-1].root
    table.ledger_root = root.hex()
    if not table.ledger_verified:
        table.broken.append("a ledger does not verify")
    for company in parties:
        if ledger.size(company.controller.pk) == 0:
            table.broken.append(f"the ledger of {company.account.name} is empty")


def _check_accounts(table: Table, installation: Installation, parties: list[story.Company]) -> None:
    """In each account: the held are untouched, and nobody verified left a trace."""
    erased = Needles()
    for company in parties:
        everyone = {case.index: case for case in story.cases(installation, company.account)}
        with scope.enter(company.controller.pk):
            connection = Connection.objects.get()
            present = set(story.records_of(connection, everyone.values()))
            gone = sorted(set(everyone) - present)
            verified = Step.objects.filter(state=Step.State.VERIFIED).count()
        if len(gone) != verified:
            table.broken.append(f"{len(gone)} records entombed, {verified} verified")
        _add(erased, gone)
        dump = _dump(company.account)
        _count_traces(table, dump, erased, f"the account of {company.account.name}")
        _check_held(table, company, everyone, dump)


def _check_held(
    table: Table, company: story.Company, everyone: dict[int, Case], dump: bytes
) -> None:
    """Of everybody under a hold, Lethe still has the record and the account the person."""
    with scope.enter(company.controller.pk):
        subjects = set(Hold.objects.filter(released_at=None).values_list("subject_id", flat=True))
        present = story.records_of(Connection.objects.get(), everyone.values())
    held = {index for index, record in present.items() if record.subject_id in subjects}
    needles = Needles()
    _add(needles, held)
    if len(held) != story.HELD or search(dump, needles) != held:
        table.broken.append(f"{company.account.name}: a person under a hold was touched")


def _search_everything(table: Table, installation: Installation) -> None:
    """Of nobody, erased or not, may a name lie open in Lethe's own databases, logs or files."""
    everyone = Needles()
    for account in installation.accounts:
        _add(everyone, range(account.first_index, account.first_index + account.candidates))
    for name, haystack in _haystacks(installation):
        _count_traces(table, haystack, everyone, name)
    if not search(_planted(installation), everyone):
        table.broken.append("the search does not find a trace that was planted")


def _count_traces(table: Table, haystack: bytes, needles: Needles, place: str) -> None:
    found = search(haystack, needles)
    table.traces_found += len(found)
    if found:
        table.broken.append(f"traces of {len(found)} people in {place}")


def _haystacks(installation: Installation) -> Iterator[tuple[str, bytes]]:
    for database in _DATABASES:
        yield f"the database of {database}", _dump_database(database)
    for path in sorted(installation.root.rglob("*")):
        if path.is_file() and not path.is_symlink() and _is_ours(installation, path):
            content = path.read_bytes()
            yield path.name, gzip.decompress(content) if path.suffix == ".gz" else content


def _is_ours(installation: Installation, path: Path) -> bool:
    """Not the ATSs' own state, which lies outside Lethe, nor the server's data files."""
    relative = path.relative_to(installation.root)
    return not relative.name.startswith("ats-") and relative.parts[0] != "postgres"


def _dump_database(variable: str) -> bytes:
    url = os.environ[variable].replace("pgmq://", "postgresql://", 1)
    program = Path(os.environ["LETHE_DEMO_BIN"]) / "pg_dump"
    done = subprocess.run([program, "--no-owner", "--dbname", url], capture_output=True, check=True)
    return done.stdout


def _planted(installation: Installation) -> bytes:
    """Put one surname into a database as bytes would lie there, dump it, take it away."""
    person = invented.person(SEED, installation.accounts[0].first_index)
    table = sql.Identifier(f"planted_{new_id().hex}")
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLE {} (value bytea)").format(table))
        try:
            insert = sql.SQL("INSERT INTO {} VALUES (%s)").format(table)
            connection.execute(insert, (person.surname.encode(),))
            return _dump_database("DATABASE_OWNER_URL")
        finally:
            connection.execute(sql.SQL("DROP TABLE {}").format(table))


def _dump(account: Account) -> bytes:
    answer = httpx.get(
        f"{account.url}/_control/dump",
        headers={"Authorization": f"Bearer {account.control_token}"},
        timeout=120,
    )
    answer.raise_for_status()
    return answer.content


def _add(needles: Needles, indexes: Iterable[int]) -> None:
    for index in indexes:
        person = invented.person(SEED, index)
        needles.add(index, surname=person.surname, emails=person.emails, phones=person.phones)
