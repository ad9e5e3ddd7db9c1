"""Steps that tests of this room take together, through the services."""

from __future__ import annotations

from datetime import date

from apps.retention import services
from apps.retention.models import Policy
from tests.cast import Company

START = date(2026, 1, 1)


def signed(company: Company, pack: str = "fr-cnil") -> Policy:
    """A version that the DPO and the RecOps person signed; in the company's scope."""
    policy = services.load_policy(actor=company.recops_actor, pack=pack)
    services.sign(actor=company.recops_actor, policy_id=policy.pk)
    return services.sign(actor=company.dpo_actor, policy_id=policy.pk)


def governed(company: Company, *, active_from: date = START) -> Policy:
    """A version in force from a day."""
    policy = signed(company)
    return services.activate(actor=company.dpo_actor, policy_id=policy.pk, active_from=active_from)


def without_archive(company: Company, *, active_from: date = START) -> Policy:
    """The same with both archives switched off by the DPO, as the demo has it."""
    policy = governed(company, active_from=active_from)
    for rule in ("rejected.archive", "withdrawn.archive"):
        services.override(
            actor=company.dpo_actor,
            policy_id=policy.pk,
            rule=rule,
            duration="",
            reason="The archive does not exist yet",
            active_from=active_from,
        )
    return policy
