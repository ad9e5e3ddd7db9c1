"""A day at two legal entities, told with the public services and nobody else's.

Every step first looks whether it was done: a second run goes on where the first one ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.connectors import selectors as connector_selectors
from apps.connectors import services as connectors
from apps.connectors.fakes.greenhouse import portfolio
from apps.connectors.models import Connection
from apps.consents import selectors as consent_selectors
from apps.consents import services as consents
from apps.controllers import services as controllers
from apps.controllers.models import Controller
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.erasure import selectors as erasure_selectors
from apps.erasure import services as erasure
from apps.erasure.models import Plan
from apps.retention import selectors as retention_selectors
from apps.retention import services as retention
from apps.retention.models import Hold, Policy
from apps.subjects import sync
from apps.subjects.models import Record
from demo.installation import SEED, Account, Installation

GRACE_SECONDS = 5
SETTLE_SECONDS = 12
PURPOSE = "talent_pool"
NOTICE = "vivier-2026-01"
#: How many expired candidates a legal hold keeps, and how many meet a faulty ATS.
HELD, IGNORED, UNCONFIRMED = 3, 3, 2


@dataclass(frozen=True, slots=True)
class Company:
    account: Account
    controller: Controller
    dpo: Actor
    recops: Actor


Report = Callable[[str, float], None]


def people() -> tuple[User, User]:
    """The demo's DPO and RecOps person, for both legal entities."""
    return _user("dora.dpo@demo.example", "Dora Lindqvist"), _user(
        "rik.recops@demo.example", "Rik Aubertin"
    )


def companies(installation: Installation) -> list[Company]:
    """The two legal entities of the group, each with its people and its account."""
    dpo, recops = people()
    return [_company(account, dpo, recops) for account in installation.accounts]


def _user(email: str, name: str) -> User:
    found = User.objects.filter(email=email).first()
    return found or accounts.invite(actor=SYSTEM, email=email, name=name, language="fr")


def _company(account: Account, dpo: User, recops: User) -> Company:
    name = f"{account.name} SAS"
    controller = Controller.objects.filter(name=name).first() or controllers.register(
        actor=SYSTEM,
        name=name,
        country="FR",
        time_zone="Europe/Paris",
        dpo_name=dpo.name,
        dpo_email=dpo.email,
    )
    with scope.enter(controller.pk):
        accounts.grant(actor=SYSTEM, user_id=dpo.pk, role=Role.DPO)
        accounts.grant(actor=SYSTEM, user_id=recops.pk, role=Role.RECOPS)
    return Company(account, controller, Actor("user", dpo.pk), Actor("user", recops.pk))


def prepare(company: Company) -> Connection:
    """The record of processing, the policy two people signed, and the connection."""
    with scope.enter(company.controller.pk):
        if not Policy.objects.filter(state=Policy.State.ACTIVE).exists():
            _describe_processing(company)
            _sign_policy(company)
        return Connection.objects.first() or _connect(company)


def _describe_processing(company: Company) -> None:
    controllers.register_activity(
        actor=company.dpo,
        name="Recrutement",
        purpose="dpv:RecruitmentManagement",
        legal_basis="eu-gdpr:A6-1-f-controller",
        recipients=["Équipe recrutement", "Responsables des postes"],
    )
    controllers.register_activity(
        actor=company.dpo,
        name="Vivier",
        purpose="dpv:RecruitmentManagement",
        legal_basis="eu-gdpr:A6-1-a",
        recipients=["Équipe recrutement"],
    )


def _sign_policy(company: Company) -> None:
    policy = retention.load_policy(actor=company.dpo, pack="fr-cnil")
    retention.sign(actor=company.dpo, policy_id=policy.pk)
    retention.sign(actor=company.recops, policy_id=policy.pk)
    today = clock.today(company.controller.time_zone)
    retention.activate(actor=company.dpo, policy_id=policy.pk, active_from=today)
    for rule in ("rejected.archive", "withdrawn.archive"):
        retention.override(
            actor=company.dpo,
            policy_id=policy.pk,
            rule=rule,
            duration="",
            reason="Aucun contentieux connu : l'archive de preuve n'est pas tenue ici.",
        )


def _connect(company: Company) -> Connection:
    account = company.account
    return connectors.connect(
        actor=company.dpo,
        name=f"Greenhouse {account.name}",
        vendor="greenhouse",
        base_url=account.url,
        auth_url=f"{account.url}/token",
        credentials={
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "sub": "1001",
            "webhook_secret": account.webhook_secret,
        },
        country="FR",
        pool_tags=["vivier"],
        grace_seconds=GRACE_SECONDS,
        settle_seconds=SETTLE_SECONDS,
    )


def synchronise(company: Company, connection: Connection, report: Report) -> None:
    """Read the account over HTTP until everything is in, reporting as it goes."""
    with scope.enter(company.controller.pk):
        result = sync.sync(actor=SYSTEM, connection_id=connection.pk)
        while result.busy:
            time.sleep(0.5)
            result = sync.sync(actor=SYSTEM, connection_id=connection.pk)
        report("", 1.0)


def cases(installation: Installation, account: Account) -> list[portfolio.Case]:
    """What the fake account was filled with: who is of which kind."""
    today = date.fromisoformat(installation.seeded_on)
    return portfolio.cases(SEED, account.candidates, today, start=account.first_index)


def records_of(connection: Connection, some: Iterable[portfolio.Case]) -> dict[int, Record]:
    """The records of these cases still in the ATS, by index; the scope must be entered."""
    digests = {
        connector_selectors.remote_digest(connection.pk, str(case.remote_id)): case for case in some
    }
    rows = Record.objects.filter(connection=connection, remote_digest__in=list(digests))
    return {digests[bytes(row.remote_digest)].index: row for row in rows}


def consents_given(company: Company, connection: Connection, everyone: list[portfolio.Case]) -> int:
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


def holds_placed(company: Company, connection: Connection, everyone: list[portfolio.Case]) -> int:
    """A dispute: the first few expired candidates may not be erased."""
    with scope.enter(company.controller.pk):
        disputed = [case for case in everyone if case.expired][:HELD]
        for row in records_of(connection, disputed).values():
            if not Hold.objects.filter(subject_id=row.subject_id, released_at=None).exists():
                retention.place_hold(
                    actor=company.dpo,
                    subject_id=row.subject_id,
                    reason="Réclamation en cours, dossier à conserver.",
                    review_on=clock.now().date() + timedelta(days=180),
                )
        return Hold.objects.filter(released_at=None).count()


def faulty(everyone: list[portfolio.Case]) -> tuple[list[int], list[int]]:
    """Remote ids that meet a faulty ATS: it ignores a field; its confirmation is lost."""
    expired = [case.remote_id for case in everyone if case.expired][HELD:]
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
        waiting = list(Plan.objects.filter(state=Plan.State.PROPOSED))
        return [erasure.approve(actor=company.dpo, plan_id=plan.pk) for plan in waiting]


def follow(company: Company, *, patience: float = 600) -> Iterator[float]:
    """The fraction of all steps that have ended, until all have; the worker does the work."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with scope.enter(company.controller.pk):
            progress = erasure_selectors.all_progress()
            running = Plan.objects.filter(state=Plan.State.APPROVED).exists()
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


def still_due(controller_id: UUID) -> int:
    """Records due today in a legal entity."""
    with scope.enter(controller_id):
        zone = Controller.objects.get(pk=controller_id).time_zone
        return retention_selectors.counts(as_of=clock.today(zone)).due
