"""The table at the end, and the checks behind it: every claim is looked up, none remembered.

It describes the state of the store. People may have worked in the console since the last run:
what they refused, held or tried again is counted as what it is, and what was promised of the
accounts' faults must hold all the same.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from uuid import UUID

import httpx
from django.db.models import QuerySet

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit import verification
from apps.connectors.fakes.greenhouse.portfolio import Case
from apps.connectors.models import Connection
from apps.core import scope
from apps.erasure.models import Plan, Step
from apps.erasure.states import ERASED
from apps.retention import held
from apps.retention.models import Hold
from apps.subjects.models import Record
from demo.day import haystacks, story
from demo.day.preparation import Company, connection_of
from demo.installation import Account, Installation
from demo.traces import Needles, search

State = Step.State
#: Ends that say nothing new of the record: it is as it was before the step.
_SET_ASIDE = frozenset({State.STALE, State.HELD, State.CANCELLED, State.MANUAL})
_LIVING = frozenset({State.PLANNED, State.CLAIMED, State.SENT})
#: Kept out of the JSON, whose keys are a contract.
_FOR_PEOPLE = ("broken", "set_aside", "archived")


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
    set_aside: int = 0
    #: Of those verified: with an archive kept.
    archived: int = 0
    #: Claims that did not hold, in words; the exit status is 0 only without any.
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        values = asdict(self)
        return json.dumps({key: values[key] for key in values if key not in _FOR_PEOPLE})


def build(installation: Installation, parties: list[Company]) -> Table:
    """Count, then check each claim against the ATSs, the dumps and the ledger."""
    table = Table()
    count(table, installation, parties)
    _check_ledger(table, parties)
    check_accounts(table, installation, parties)
    _search_everything(table, installation)
    return table


def count(table: Table, installation: Installation, parties: list[Company]) -> None:
    """What the store holds, and whether every step ended as it was promised to."""
    for company in parties:
        with scope.enter(company.controller.pk):
            _count(table, company)
            _expect(table, company, story.cases(installation, company.account))


def _count(table: Table, company: Company) -> None:
    by_state = Counter(_outcomes(Step.objects.all()).values())
    table.synced += Record.objects.count()
    table.verified += sum(by_state[state] for state in ERASED)
    table.archived += by_state[State.ARCHIVED]
    table.residual += by_state[State.RESIDUAL]
    table.unverifiable += by_state[State.UNVERIFIABLE]
    table.failed += by_state[State.FAILED]
    table.set_aside += sum(by_state[state] for state in _SET_ASIDE)
    decided = Step.objects.filter(plan__state__in=(Plan.State.APPROVED, Plan.State.FINISHED))
    table.approved += decided.values("record_id").distinct().count()
    table.due += len(story.still_due(company)) + sum(by_state[state] for state in ERASED)
    living = Hold.objects.filter(released_at=None)
    table.held += living.values("subject_id").distinct().count()


def _outcomes(steps: QuerySet[Step]) -> dict[UUID, str]:
    """How each record stands: by its last step that did something, else by its last one."""
    found: dict[UUID, str] = {}
    for record_id, state in steps.order_by("pk").values_list("record_id", "state"):
        if state not in _SET_ASIDE or found.get(record_id, state) in _SET_ASIDE:
            found[record_id] = state
    return found


def _expect(table: Table, company: Company, everyone: list[Case]) -> None:
    """What the fake account was made to do must show, and everything else be verified."""
    name, connection = company.account.name, connection_of(company)
    steps = Step.objects.filter(plan__connection=connection)
    outcomes = _outcomes(steps)
    ignored, unconfirmed = story.faulty(everyone)
    promised = _met(table, company, ignored, State.RESIDUAL, outcomes)
    promised |= _met(table, company, unconfirmed, State.UNVERIFIABLE, outcomes)
    others = Counter(state for pk, state in outcomes.items() if pk not in promised)
    for state in (State.RESIDUAL, State.UNVERIFIABLE, State.FAILED):
        if others[state]:
            table.broken.append(f"{name}: {others[state]} {state} steps nobody promised")
    if not any(others[state] for state in ERASED):
        table.broken.append(f"{name}: nothing was erased")
    if Record.objects.filter(connection=connection).count() < company.account.candidates:
        table.broken.append(f"{name}: fewer records than candidates")
    if connection.state != Connection.State.PAUSED:
        _expect_ended(table, company, connection, promised, steps.filter(state__in=_LIVING).count())


def _met(
    table: Table, company: Company, some: list[Case], state: State, outcomes: dict[UUID, str]
) -> set[UUID]:
    """The records of those the account treats badly: none called erased, each shown as it is."""
    rows = story.records_of(connection_of(company), some).values()
    if len(rows) != len(some):
        table.broken.append(f"{company.account.name}: a record is erased that must be {state}")
    for row in rows:
        if outcomes.get(row.pk) != state and not held.is_held(row.subject_id):
            table.broken.append(f"{company.account.name}: a record is not {state} that must be")
    return {row.pk for row in rows}


def _expect_ended(
    table: Table, company: Company, connection: Connection, promised: set[UUID], living: int
) -> None:
    """Nothing waits: every step has ended, and nobody is due but those a fault keeps."""
    if living:
        table.broken.append(f"{company.account.name}: {living} steps have not ended")
    waiting = story.still_due(company) - promised
    left = Record.objects.filter(connection=connection, pk__in=waiting).count()
    if left:
        table.broken.append(f"{company.account.name}: {left} due records are not erased")


def _check_ledger(table: Table, parties: list[Company]) -> None:
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


def check_accounts(table: Table, installation: Installation, parties: list[Company]) -> None:
    """In each account: the held are untouched, and nobody verified left a trace."""
    erased = Needles()
    for company in parties:
        everyone = {case.index: case for case in story.cases(installation, company.account)}
        with scope.enter(company.controller.pk):
            connection = connection_of(company)
            present = story.records_of(connection, everyone.values())
            steps = Step.objects.filter(plan__connection=connection, state__in=ERASED)
            verified = steps.values("record_id").distinct().count()
            gone = sorted(set(everyone) - set(present))
            if len(gone) != verified:
                table.broken.append(f"{len(gone)} records entombed, {verified} verified")
            haystacks.add(erased, gone)
            dump = _dump(company.account)
            _count_traces(table, dump, erased, f"the account of {company.account.name}")
            _check_held(table, company, present, dump)


def _check_held(table: Table, company: Company, present: dict[int, Record], dump: bytes) -> None:
    """Of everybody under a hold, Lethe still has a record and the account the person."""
    name = company.account.name
    subjects = set(Hold.objects.filter(released_at=None).values_list("subject_id", flat=True))
    kept = Record.objects.filter(subject_id__in=subjects).exclude(state=Record.State.ERASED)
    held = {index for index, record in present.items() if record.subject_id in subjects}
    needles = Needles()
    haystacks.add(needles, held)
    if len(set(kept.values_list("subject_id", flat=True))) != len(subjects):
        table.broken.append(f"{name}: nothing is left of a person under a hold")
    if search(dump, needles) != held:
        table.broken.append(f"{name}: a person under a hold was touched")
    # Released by somebody since, perhaps; but placed.
    if Hold.objects.values("subject_id").distinct().count() < story.HELD:
        table.broken.append(f"{name}: fewer than {story.HELD} people were ever held")


def _search_everything(table: Table, installation: Installation) -> None:
    """Of nobody, erased or not, may a name lie open in Lethe's own databases, logs or files."""
    everyone = Needles()
    for account in installation.accounts:
        last = account.first_index + account.candidates
        haystacks.add(everyone, range(account.first_index, last))
    for name, haystack in haystacks.everything(installation):
        _count_traces(table, haystack, everyone, name)
    for kind in haystacks.overlooked(installation):
        table.broken.append(f"the search does not find a {kind} that was planted")


def _count_traces(table: Table, haystack: bytes, needles: Needles, place: str) -> None:
    found = search(haystack, needles)
    table.traces_found += len(found)
    if found:
        table.broken.append(f"traces of {len(found)} people in {place}")


def _dump(account: Account) -> bytes:
    answer = httpx.get(
        f"{account.url}/_control/dump",
        headers={"Authorization": f"Bearer {account.control_token}"},
        timeout=120,
    )
    answer.raise_for_status()
    return answer.content
