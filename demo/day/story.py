"""A day at two legal entities, told with the public services and nobody else's.

Every step first looks whether it was done: a second run goes on where the first one ended.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from uuid import UUID

from django.db import connections

from apps.accounts import services as accounts
from apps.connectors import selectors as connector_selectors
from apps.connectors.fakes.greenhouse import portfolio
from apps.connectors.fakes.greenhouse.portfolio import Case
from apps.connectors.models import Connection
from apps.consents import selectors as consent_selectors
from apps.consents import services as consents
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.erasure import gates, planning
from apps.erasure import selectors as erasure_selectors
from apps.erasure import services as erasure
from apps.erasure.models import Plan
from apps.retention import selectors as retention_selectors
from apps.retention import services as retention
from apps.retention.models import Hold
from apps.subjects import sync
from apps.subjects.models import Record
from demo.day.preparation import Company, people
from demo.installation import SEED, Account, Installation

PURPOSE = "talent_pool"
NOTICE = "vivier-2026-01"
#: How many expired candidates a legal hold keeps, and how many meet a faulty ATS.
HELD, IGNORED, UNCONFIRMED = 3, 3, 2

#: Takes the fraction that is done, 0 to 1; may be called from another thread.
Report = Callable[[float], None]


def synchronise(company: Company, connection: Connection, report: Report) -> None:
    """Read the account over HTTP until everything is in, reporting as it goes."""
    if connection.state == Connection.State.PAUSED:
        return
    with _counting(company, connection, report), scope.enter(company.controller.pk):
        while sync.sync(actor=SYSTEM, connection_id=connection.pk).busy:
            time.sleep(0.5)
    report(1.0)


@contextlib.contextmanager
def _counting(company: Company, connection: Connection, report: Report) -> Iterator[None]:
    """Reports how much of the account has arrived, every moment of the block."""
    done = threading.Event()
    counter = threading.Thread(
        target=_count, args=(done, company, connection.pk, report), daemon=True
    )
    counter.start()
    try:
        yield
    finally:
        done.set()
        counter.join()


def _count(done: threading.Event, company: Company, connection_id: UUID, report: Report) -> None:
    """In a thread of its own, which has a database connection of its own."""
    try:
        while not done.wait(0.5):
            with scope.enter(company.controller.pk):
                arrived = Record.objects.filter(connection_id=connection_id).count()
            report(min(1.0, arrived / company.account.candidates))
    finally:
        connections.close_all()


def cases(installation: Installation, account: Account) -> list[Case]:
    """What the fake account was filled with: who is of which kind."""
    today = date.fromisoformat(installation.seeded_on)
    return portfolio.cases(SEED, account.candidates, today, start=account.first_index)


def records_of(connection: Connection, some: Iterable[Case]) -> dict[int, Record]:
    """The records of these cases still in the ATS, by index; the scope must be entered."""
    digests = {
        connector_selectors.remote_digest(connection.pk, str(case.remote_id)): case for case in some
    }
    rows = Record.objects.filter(connection=connection, remote_digest__in=list(digests))
    return {digests[bytes(row.remote_digest)].index: row for row in rows}


def consents_given(company: Company, connection: Connection, everyone: list[Case]) -> int:
    """Those in the talent pool who agreed, on the day their process closed."""
    with scope.enter(company.controller.pk):
        willing = {case.index: case for case in everyone if case.consent}
        rows = records_of(connection, willing.values())
        known = consent_selectors.current([row.subject_id for row in rows.values()], PURPOSE)
        for index, row in rows.items():
            if row.subject_id not in known:
                consents.record(
                    actor=company.recops,
                    subject_id=row.subject_id,
                    purpose=PURPOSE,
                    effective_on=willing[index].rejected_on or willing[index].created_on,
                    notice=NOTICE,
                    source="import",
                )
        return len(rows)


def holds_placed(company: Company, connection: Connection, everyone: list[Case]) -> int:
    """A dispute: the first few expired candidates may not be erased.

    Placed once each: whoever releases one later is not overruled by the next run.
    """
    with scope.enter(company.controller.pk):
        disputed = [case for case in everyone if case.expired][:HELD]
        for row in records_of(connection, disputed).values():
            if not Hold.objects.filter(subject_id=row.subject_id).exists():
                retention.place_hold(
                    actor=company.dpo,
                    subject_id=row.subject_id,
                    reason="Réclamation en cours, dossier à conserver.",
                    review_on=clock.now().date() + timedelta(days=180),
                )
        return Hold.objects.filter(released_at=None).count()


def faulty(everyone: list[Case]) -> tuple[list[Case], list[Case]]:
    """Who meets a faulty ATS: it ignores a field; its confirmation is lost."""
    expired = [case for case in everyone if case.expired][HELD:]
    return expired[:IGNORED], expired[IGNORED : IGNORED + UNCONFIRMED]


def decide(company: Company) -> None:
    """Work out until when each record may be kept."""
    with scope.enter(company.controller.pk):
        while retention.refresh(actor=SYSTEM):
            pass


def plan_and_approve(company: Company) -> list[Plan]:
    """RecOps proposes what is due, the DPO approves."""
    with scope.enter(company.controller.pk):
        as_of = clock.today(company.controller.time_zone)
        erasure.propose(actor=company.recops, as_of=as_of)
        waiting = _moving(Plan.State.PROPOSED)
        for plan in waiting:
            # The first plan of an account nobody ever cleaned is most of it: the DPO has looked,
            # and lets go of the brake that holds such a plan back.
            if gates.over(plan) == "brake_share":
                erasure.set_brakes(
                    actor=company.dpo,
                    connection_id=plan.connection_id,
                    values={"most_percent": gates.share(plan)},
                )
                plan.refresh_from_db()
        return [
            erasure.approve(
                actor=company.dpo,
                plan_id=plan.pk,
                # The DPO knows what this ATS cannot show to the archive.
                accept_unreadable=bool(planning.unreadable(plan)),
            )
            for plan in waiting
        ]


def _moving(state: Plan.State) -> list[Plan]:
    """Plans in a state, but those whose connection somebody has paused."""
    return list(Plan.objects.filter(state=state).exclude(connection__state="paused"))


def follow(company: Company, *, patience: float = 600) -> Iterator[float]:
    """The fraction of all steps that have ended, until all have; the worker does the work."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with scope.enter(company.controller.pk):
            progress = erasure_selectors.all_progress()
            running = _moving(Plan.State.APPROVED)
        yield progress.fraction
        if not running:
            return
        time.sleep(0.5)


def sign_in_links(installation: Installation) -> dict[str, str]:
    """Fresh single-use links for the RecOps person and the DPO."""
    dpo, recops = people()
    return {
        role: f"{installation.base_url}/enter/"
        + accounts.create_sign_in_link(actor=SYSTEM, user_id=user.pk)
        for role, user in (("RecOps", recops), ("DPO", dpo))
    }


def still_due(company: Company) -> set[UUID]:
    """Records that are due or to be archived today; the scope must be entered."""
    today = clock.today(company.controller.time_zone)
    leaving = retention_selectors.to_archive(as_of=today)
    return {*retention_selectors.due_ids(as_of=today), *(row.record_id for row in leaving)}
