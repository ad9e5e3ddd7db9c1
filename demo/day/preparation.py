"""What the day needs first: people, legal entities, a signed policy, a connected account.

Each piece is looked for by itself: a run that was killed anywhere is gone on with.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.controllers import services as controllers
from apps.controllers.models import Controller, ProcessingActivity
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.retention import services as retention
from apps.retention.models import Policy
from demo.installation import Account, Installation

GRACE_SECONDS = 5
SETTLE_SECONDS = 12
PACK = "fr-cnil"
#: The pack's evidence archives; one of the two legal entities keeps them.
SWITCHED_OFF = ("rejected.archive", "withdrawn.archive")
KEEPS_ARCHIVE = "Vantage"
#: Name, legal basis and recipients of each processing activity.
ACTIVITIES = (
    (
        "Recrutement",
        "eu-gdpr:A6-1-f-controller",
        ("Équipe recrutement", "Responsables des postes"),
    ),
    ("Vivier", "eu-gdpr:A6-1-a", ("Équipe recrutement",)),
)


@dataclass(frozen=True, slots=True)
class Company:
    account: Account
    controller: Controller
    dpo: Actor
    recops: Actor


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
        if account.name == KEEPS_ARCHIVE:
            accounts.grant(actor=SYSTEM, user_id=dpo.pk, role=Role.ARCHIVE_READER)
    return Company(account, controller, Actor("user", dpo.pk), Actor("user", recops.pk))


def prepare(company: Company) -> Connection:
    """The record of processing, the policy two people signed, and the connection."""
    with scope.enter(company.controller.pk):
        _describe_processing(company)
        policy = _signed(company, _policy(company))
        _switch_off(company, policy)
        found = Connection.objects.filter(base_url=company.account.url).first()
        return found or _connect(company)


def connection_of(company: Company) -> Connection:
    """The fake account's connection, among those that people made since; in scope."""
    return Connection.objects.get(base_url=company.account.url)


def _describe_processing(company: Company) -> None:
    for name, legal_basis, recipients in ACTIVITIES:
        if not ProcessingActivity.objects.filter(name=name).exists():
            controllers.register_activity(
                actor=company.dpo,
                name=name,
                purpose="dpv:RecruitmentManagement",
                legal_basis=legal_basis,
                recipients=recipients,
            )


def _policy(company: Company) -> Policy:
    """The first version of the pack is the demo's own, whatever people loaded since."""
    first = Policy.objects.filter(pack=PACK).order_by("number").first()
    return first or retention.load_policy(actor=company.dpo, pack=PACK)


def _signed(company: Company, policy: Policy) -> Policy:
    """The same version, signed by both and in force, now if it was not before."""
    signed_by = set(policy.signatures.values_list("user_id", flat=True))
    for person in (company.dpo, company.recops):
        if policy.state == Policy.State.DRAFTED and person.id not in signed_by:
            policy = retention.sign(actor=person, policy_id=policy.pk)
    if policy.state == Policy.State.SIGNED:
        today = clock.today(company.controller.time_zone)
        policy = retention.activate(actor=company.dpo, policy_id=policy.pk, active_from=today)
    return policy


def _switch_off(company: Company, policy: Policy) -> None:
    if company.account.name == KEEPS_ARCHIVE:
        return
    if policy.state != Policy.State.ACTIVE:
        return  # superseded by another one: that is the people's own decision
    known = set(policy.overrides.values_list("rule", flat=True))
    for rule in SWITCHED_OFF:
        if rule not in known:
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
