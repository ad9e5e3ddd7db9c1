"""The life of a policy version: drafted, signed by two people, active from a date, superseded.

A version is never changed: another one is loaded. Nothing is enforced before a DPO and a second
person signed it, because only activation makes cells and periods, and without them every record
is kept as "no policy for this case". A DPO may depart from a rule by an override, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role, roles
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.controllers.models import Controller
from apps.core import canonical, clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.retention import events, grounds, packs, periods
from apps.retention.models import Cell, Override, Period, Policy, Signature

_SIGNERS = 2


@transaction.atomic
def load_policy(*, actor: Actor, pack: str = "fr-cnil") -> Policy:
    """A draft from a pack: it can be simulated and signed, and governs nothing.

    Raises Refused, Missing for an unknown pack, Invalid naming file, line, key and fix.
    """
    require_role(actor, Role.DPO, Role.RECOPS)
    found = packs.resolve(pack)
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
    return policy


@transaction.atomic
def sign(*, actor: Actor, policy_id: UUID) -> Policy:
    """One person's signature; with the second, a DPO being one of them, the draft is signed.

    Raises Refused for a role that may not sign, Missing, or Conflict for a second signature
    by the same person or on a version that is signed.
    """
    require_role(actor, Role.DPO, Role.RECOPS)
    policy = _locked(policy_id)
    if policy.state != Policy.State.DRAFTED:
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
    policy = _locked(policy_id)
    if policy.state != Policy.State.SIGNED:
        raise Conflict("unsigned", _("A DPO and a second person must sign first."))
    newer = Policy.objects.filter(
        country=policy.country, state=Policy.State.ACTIVE, active_from__gt=active_from
    )
    if newer.exists():
        message = _("A version in force starts later: choose a later date.")
        raise Conflict("later_version", message, field="active_from")
    policy.state, policy.active_from = Policy.State.ACTIVE, active_from
    policy.save(update_fields=["state", "active_from"])
    cells, moved = _cells(policy, active_from)
    written = _start_periods(policy, cells, active_from)
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


@transaction.atomic
def override(
    *,
    actor: Actor,
    policy_id: UUID,
    rule: str,
    duration: str,
    reason: str,
    active_from: date | None = None,
) -> Override:
    """A DPO departs from the pack for one rule: another period, or "" to switch it off.

    Writes one period, effective from `active_from` (today unless said; a version not yet in
    force takes its overrides with it when it is activated). Raises Refused, Missing, Invalid
    without a reason, for an unknown rule or a malformed period, Conflict for an old version.
    """
    require_role(actor, Role.DPO)
    policy = _locked(policy_id)
    phase = _phase(policy, rule)
    _check_override(duration, reason)
    row = new_id()
    sealed, commitment = _seal_reason(row, reason.strip())
    made: Override = Override.objects.create(
        id=row,
        policy=policy,
        rule=rule,
        duration=duration,
        sealed_reason=sealed,
        signed_by_id=actor.id,
    )
    starts = active_from or clock.today(controllers.current().time_zone)
    if policy.active_from is not None:
        starts = max(starts, policy.active_from)
        _check_governing(policy, starts)
        cell = Cell.objects.get(country=policy.country, rule=rule, job="")
        _start(policy, cell, duration, starts, made)
    audit.record(
        events.PERIOD_OVERRIDDEN,
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
    plain = crypto.open(
        keys.instance_key("overrides"),
        bytes(made.sealed_reason),
        table="retention_override",
        column="sealed_reason",
        row=made.pk,
    )
    return str(json.loads(plain)["reason"])


def _seal_reason(row: UUID, reason: str) -> tuple[bytes, bytes]:
    commitment, salt = crypto.commit(reason.encode())
    sealed = crypto.seal(
        keys.instance_key("overrides"),
        canonical.dumps({"reason": reason, "salt": salt.hex()}),
        table="retention_override",
        column="sealed_reason",
        row=row,
    )
    return sealed, commitment


def _locked(policy_id: UUID) -> Policy:
    policy: Policy | None = Policy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise Missing("policy", _("There is no such policy version."))
    return policy


def _phase(policy: Policy, rule: str) -> Mapping[str, Any]:
    known: dict[str, Mapping[str, Any]] = {
        one["rule"]: one for one in policy.rules if not one["by_hand"]
    }
    if rule not in known:
        message = _("This version has no such rule. Use one of: %(names)s.")
        raise Invalid("unknown_rule", message % {"names": ", ".join(known)}, field="rule")
    return known[rule]


def _check_override(duration: str, reason: str) -> None:
    if not reason.strip():
        raise Invalid("reason", _("Give the reason for the override."), field="reason")
    try:
        periods.parse(duration or "P0D")
    except ValueError as error:
        message = _("Write the period as P3M, P2Y or P30D, or leave it empty to switch it off.")
        raise Invalid("duration", message, field="duration") from error


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


def _cells(policy: Policy, active_from: date) -> tuple[dict[str, Cell], bool]:
    """The cell of each rule with a period, by rule; and whether grounds must be worked out
    again because a cell is new or its period runs from another date."""
    known = {one.rule: one for one in Cell.objects.filter(country=policy.country, job="")}
    cells: dict[str, Cell] = {}
    moved = False
    for one in policy.rules:
        if one["by_hand"]:
            continue
        cell = known.get(one["rule"])
        if cell is None:
            cell, moved = _new_cell(policy, one), True
        elif cell.trigger != one["trigger"]:
            _move(cell, one["trigger"], active_from)
            moved = True
        cells[one["rule"]] = cell
    return cells, moved


def _new_cell(policy: Policy, one: Mapping[str, Any]) -> Cell:
    cell: Cell = Cell.objects.create(
        country=policy.country,
        category=one["category"],
        rule=one["rule"],
        trigger=one["trigger"],
    )
    return cell


def _move(cell: Cell, trigger: str, active_from: date) -> None:
    """A ground holds one anchor: what it runs from cannot change on a day to come."""
    if active_from > clock.today(controllers.current().time_zone):
        message = _("This version changes the date a period runs from: it can only start today.")
        raise Invalid("trigger_changes", message, field="active_from")
    cell.trigger = trigger
    cell.save(update_fields=["trigger"])


def _start_periods(policy: Policy, cells: Mapping[str, Cell], active_from: date) -> int:
    """Periods of every rule, then of the overrides signed with the draft. A rule this version
    no longer has is switched off: by itself it makes nothing due."""
    for one in policy.rules:
        if one["rule"] in cells:
            _start(policy, cells[one["rule"]], one["duration"], active_from)
    overrides = list(policy.overrides.order_by("signed_at", "pk"))
    for made in overrides:
        _start(policy, cells[made.rule], made.duration, active_from, made)
    dropped = Cell.objects.filter(country=policy.country, job="").exclude(rule__in=list(cells))
    for cell in dropped:
        _start(policy, cell, "", active_from)
    return len(cells) + len(overrides) + len(dropped)


def _start(
    policy: Policy, cell: Cell, duration: str, starts: date, made: Override | None = None
) -> None:
    Period.objects.create(
        cell=cell, policy=policy, duration=duration, active_from=starts, override=made
    )


def _supersede(policy: Policy) -> int:
    """Earlier versions of the country, once the new one has started."""
    today = clock.today(controllers.current().time_zone)
    if policy.active_from is None or policy.active_from > today:
        return 0
    earlier = Policy.objects.filter(
        country=policy.country, state=Policy.State.ACTIVE, number__lt=policy.number
    )
    return earlier.update(state=Policy.State.SUPERSEDED)
