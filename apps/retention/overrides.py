"""Overrides: a DPO departs from the pack, for a country or for one job, and says why."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.ids import new_id
from apps.retention import events, grounds, periods, placing, reasons
from apps.retention.models import Override, Policy
from apps.retention.policies import locked


@transaction.atomic
def override(
    *,
    actor: Actor,
    policy_id: UUID,
    rule: str,
    duration: str,
    reason: str,
    job: str = "",
    active_from: date | None = None,
) -> Override:
    """A DPO departs from the pack for one rule: another period, or "" to switch it off.

    With `job`, the ATS's id of a job, only for its applications. Effective from `active_from`
    (today unless said; a version not yet in force takes its overrides with it when it is
    activated). Raises Refused, Missing, Invalid without a reason, for an unknown rule, a
    malformed period or a rule that knows no job, Conflict for an old version.
    """
    require_role(actor, Role.DPO)
    policy = locked(policy_id)
    phase = placing.check(policy, rule, duration, job)
    if not reason.strip():
        raise Invalid("reason", _("Give the reason for the override."), field="reason")
    row = new_id()
    sealed, commitment = reasons.seal(row, reason.strip(), table="retention_override")
    made: Override = Override.objects.create(
        id=row,
        policy=policy,
        rule=rule,
        job=job.strip(),
        duration=duration,
        sealed_reason=sealed,
        signed_by_id=actor.id,
    )
    starts = active_from or clock.today(controllers.current().time_zone)
    if policy.active_from is not None:
        starts = max(starts, policy.active_from)
        _check_governing(policy, starts)
        if placing.depart(policy, made, starts):
            grounds.refresh_job(actor=actor, job=made.job)
    audit.record(
        events.JOB_OVERRIDDEN if made.job else events.PERIOD_OVERRIDDEN,
        actor=actor,
        object_id=policy.pk,
        refs={"override": made.pk},
        codes={"rule": rule, "effect": _effect(duration, phase["ceiling"])},
        commitments={"reason": commitment},
        dates={"active_from": starts},
    )
    return made


def reason_of(made: Override) -> str:
    """What the DPO wrote. Raises CryptoError when the row was tampered with."""
    return reasons.open_one(made.pk, bytes(made.sealed_reason), table="retention_override")


def _check_governing(policy: Policy, starts: date) -> None:
    newer = Policy.objects.filter(
        country=policy.country, number__gt=policy.number, active_from__lte=starts
    )
    if policy.state != Policy.State.ACTIVE or newer.exists():
        raise Conflict("superseded", _("A newer version governs: override that one."))


def _effect(duration: str, ceiling: str) -> str:
    if not duration:
        return "off"
    return "beyond" if periods.exceeds(duration, ceiling) else "within"
