"""The life of a policy version: drafted, signed by two people, active from a date, superseded.

A version is never changed: another one is loaded. Nothing is enforced before a DPO and a second
person signed it, because only activation makes cells and periods, and without them every record
is kept as "no policy for this case".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role, roles
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.controllers.models import Controller
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.retention import events, grounds, packs, placing, reasons, versions
from apps.retention.models import Policy, Signature, VariantChoice

_SIGNERS = 2


@transaction.atomic
def load_policy(
    *,
    actor: Actor,
    pack: str = "fr-cnil",
    variants: Mapping[str, str] | None = None,
    reason: str = "",
) -> Policy:
    """A draft from a pack: it can be simulated and signed, and governs nothing.

    `variants` (rule → id) chooses other readings of the law that the pack offers: a DPO's act,
    with a reason. Raises Refused, Missing for an unknown pack, Invalid naming file, line, key and
    fix, or for an unknown variant or one without a reason.
    """
    require_role(actor, *((Role.DPO,) if variants else (Role.DPO, Role.RECOPS)))
    if variants and not reason.strip():
        message = _("Give the reason for another reading of the law.")
        raise Invalid("reason", message, field="reason")
    found = packs.resolve(pack, variants=variants)
    if found.jurisdiction == packs.BASE:
        message = _("This pack is a base for national ones: load the pack of a country.")
        raise Invalid("base_pack", message, field="pack")
    Controller.objects.select_for_update(no_key=True).get(pk=scope.current())
    last = Policy.objects.aggregate(number=Max("number"))["number"] or 0
    policy: Policy = Policy.objects.create(
        pack=found.id,
        pack_version=found.version,
        country=found.jurisdiction,
        number=last + 1,
        digest=found.digest,
        rules=[rule.as_json() for rule in found.rules],
        about=dict(found.about),
    )
    audit.record(
        events.POLICY_LOADED,
        actor=actor,
        object_id=policy.pk,
        counts={"number": policy.number, "rules": len(found.rules)},
        commitments={"pack": found.digest},
    )
    for rule, variant in (variants or {}).items():
        _choose(actor, policy, rule, variant, reason.strip())
    return policy


def _choose(actor: Actor, policy: Policy, rule: str, variant: str, reason: str) -> None:
    row = new_id()
    sealed, commitment = reasons.seal(row, reason, table="retention_variantchoice")
    made = VariantChoice.objects.create(
        id=row,
        policy=policy,
        rule=rule,
        variant=variant,
        sealed_reason=sealed,
        chosen_by_id=actor.id,
    )
    audit.record(
        events.VARIANT_CHOSEN,
        actor=actor,
        object_id=policy.pk,
        refs={"choice": made.pk},
        codes={"rule": rule},
        commitments={"reason": commitment},
    )


@transaction.atomic
def sign(*, actor: Actor, policy_id: UUID) -> Policy:
    """One person's signature; with the second, a DPO being one of them, the draft is signed.

    Raises Refused for a role that may not sign, Missing, or Conflict for a second signature
    by the same person or on a version that is signed.
    """
    require_role(actor, Role.DPO, Role.RECOPS)
    policy = locked(policy_id)
    if not versions.may(policy.state, Policy.State.SIGNED):
        raise Conflict("signed", _("This version is signed already."))
    if policy.signatures.filter(user_id=actor.id).exists():
        raise Conflict("signed_once", _("You signed already: a second person must sign."))
    is_dpo = Role.DPO in roles(actor.id, scope.current())
    role = Role.DPO if is_dpo else Role.RECOPS
    Signature.objects.create(policy=policy, user_id=actor.id, role=role)
    signed_as = list(policy.signatures.values_list("role", flat=True))
    if len(signed_as) >= _SIGNERS and Role.DPO in signed_as:
        policy.state = Policy.State.SIGNED
        policy.save(update_fields=["state"])
    audit.record(
        events.POLICY_SIGNED,
        actor=actor,
        object_id=policy.pk,
        counts={"number": policy.number},
        codes={"role": role.value},
        commitments={"pack": bytes(policy.digest)},
    )
    return policy


@transaction.atomic
def activate(*, actor: Actor, policy_id: UUID, active_from: date) -> Policy:
    """A signed version governs from a local date on. A DPO's act.

    Raises Refused, Missing, Conflict unless it is signed and newer than what governs, Invalid
    when it changes what a period runs from and the date is not today or before.
    """
    require_role(actor, Role.DPO)
    policy = locked(policy_id)
    if not versions.may(policy.state, Policy.State.ACTIVE):
        raise Conflict("unsigned", _("A DPO and a second person must sign first."))
    newer = Policy.objects.filter(
        country=policy.country, state=Policy.State.ACTIVE, active_from__gt=active_from
    )
    if newer.exists():
        message = _("A version in force starts later: choose a later date.")
        raise Conflict("later_version", message, field="active_from")
    policy.state, policy.active_from = Policy.State.ACTIVE, active_from
    policy.save(update_fields=["state", "active_from"])
    moved, written = placing.place(policy, active_from)
    supersede(actor=actor)
    audit.record(
        events.POLICY_ACTIVATED,
        actor=actor,
        object_id=policy.pk,
        counts={"number": policy.number, "periods": written},
        dates={"active_from": active_from},
        commitments={"pack": bytes(policy.digest)},
    )
    if moved:
        grounds.refresh_all(actor=actor)
    return policy


@transaction.atomic
def supersede(*, actor: Actor) -> int:
    """Versions whose successor has started meanwhile; how many."""
    active = Policy.objects.select_for_update().filter(state=Policy.State.ACTIVE)
    done = sum(_supersede(policy) for policy in active.order_by("-number"))
    if done:
        audit.record(events.POLICY_SUPERSEDED, actor=actor, counts={"versions": done})
    return done


def locked(policy_id: UUID) -> Policy:
    """The version, for writing. Raises Missing."""
    policy: Policy | None = Policy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise Missing("policy", _("There is no such policy version."))
    return policy


def _supersede(policy: Policy) -> int:
    """Earlier versions of the country, once the new one has started."""
    today = clock.today(controllers.current().time_zone)
    if policy.active_from is None or policy.active_from > today:
        return 0
    earlier = Policy.objects.filter(
        country=policy.country, state=Policy.State.ACTIVE, number__lt=policy.number
    )
    return earlier.update(state=Policy.State.SUPERSEDED)
