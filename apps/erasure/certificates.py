"""The certificate of a finished plan: canonical JSON in a C2SP signed note.

It says what a DPO may show: who approved, by which policy, what was sent when, what the
read-back showed field by field, and the commitments. It gives two dates (HOUSE invariant 7):
effective now, and irreversible everywhere once the key epoch has ended. Its digest is in the
ledger, and it quotes the ledger's checkpoint.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit import signing
from apps.core import canonical, clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Missing
from apps.erasure import events
from apps.erasure.models import Certificate, Evidence, Plan, Step
from apps.erasure.states import LIVING

FORMAT = "lethe-erasure-certificate/1"


def finish(*, actor: Actor) -> int:
    """Finish the approved plans of the scope that have no living step; issue certificates."""
    done = Plan.objects.filter(state=Plan.State.APPROVED).exclude(steps__state__in=LIVING)
    plan_ids = list(done.values_list("pk", flat=True))
    if plan_ids:
        audit.integrate(log_id=scope.current())  # the outcomes are in the log it quotes
    return sum(_finish_one(actor, plan_id) for plan_id in plan_ids)


@transaction.atomic
def _finish_one(actor: Actor, plan_id: UUID) -> int:
    plan = Plan.objects.select_for_update().get(pk=plan_id)
    if plan.state != Plan.State.APPROVED or plan.steps.filter(state__in=LIVING).exists():
        return 0
    plan.state, plan.finished_at = Plan.State.FINISHED, clock.now()
    plan.save(update_fields=["state", "finished_at"])
    text = _text(plan)
    log = ledger.log(scope.current())
    Certificate.objects.create(plan=plan, note=signing.signer(log.pk, log.origin).sign(text))
    audit.record(
        events.PLAN_FINISHED,
        actor=actor,
        object_id=plan.pk,
        counts={
            "steps": plan.steps.count(),
            "verified": plan.steps.filter(state=Step.State.VERIFIED).count(),
        },
        commitments={"certificate": hashlib.sha256(text.encode()).digest()},
    )
    return 1


def certificate(plan_id: UUID) -> Certificate:
    """Raises Missing for an unknown plan and Conflict while the plan is not finished."""
    plan = Plan.objects.filter(pk=plan_id).first()
    if plan is None:
        raise Missing("plan", _("There is no such plan."))
    found = Certificate.objects.filter(plan=plan).first()
    if found is None:
        raise Conflict("plan_not_finished", _("The certificate comes when the plan is finished."))
    return found


def _text(plan: Plan) -> str:
    """One line naming the format (so that no checkpoint can be mistaken for it), one of JSON."""
    return f"{FORMAT}\n{canonical.dumps(_content(plan)).decode('ascii')}\n"


def _content(plan: Plan) -> dict[str, Any]:
    steps = list(plan.steps.order_by("pk"))
    evidence: dict[UUID, dict[str, str]] = {}
    for row in Evidence.objects.filter(step__plan=plan).order_by("pk"):
        kept = evidence.setdefault(row.step_id, {})
        kept.setdefault(row.kind, bytes(row.commitment).hex())
    return {
        "format": FORMAT,
        "controller": plan.controller_id,
        "plan": plan.pk,
        "number": plan.number,
        "connection": plan.connection_id,
        "action": plan.action,
        "policy": {"id": plan.policy_id, "number": plan.policy.number, "pack": plan.policy.pack},
        "approved_by": plan.decided_by_id,
        "approved_at": plan.decided_at,
        "finished_at": plan.finished_at,
        "effective": plan.finished_at,
        "irreversible": "at the end of the key epoch: see keys.epoch_ended in the ledger",
        "checkpoint": _checkpoint(),
        "steps": [_step(step, evidence.get(step.pk, {})) for step in steps],
    }


def _checkpoint() -> str | None:
    """The signed head of the controller's log: what the outcomes above are provable against."""
    found = ledger.checkpoint(scope.current())
    return found.note if found is not None else None


def _step(step: Step, commitments: dict[str, str]) -> dict[str, Any]:
    return {
        "step": step.pk,
        "record": step.record_id,
        "rule": step.rule,
        "due_on": step.due_on,
        "outcome": step.state,
        "code": step.code,
        "sent_at": step.sent_at,
        "finished_at": step.finished_at,
        "request_id": step.request_id,
        "fields": {
            "clean": step.clean,
            "residue": step.residue,
            "confirmed": step.confirmed,
            "unread": step.unread,
        },
        "commitments": commitments,
    }
