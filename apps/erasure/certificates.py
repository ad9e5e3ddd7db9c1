"""The certificate of a finished plan: canonical JSON in a C2SP signed note.

It says what a DPO may show: who approved, by which policy, what was sent when, what the
read-back showed field by field, and the commitments. It gives two dates (HOUSE invariant 7):
effective now, and the day by whose end nobody can open the person's data any more, in any
backup: then the key epoch ends, and `keys.epoch_ended` about that epoch is in the ledger.
A person with other records here keeps their key until the last of them: no second date yet.
Its digest is in the ledger, and it quotes the ledger's checkpoint.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import origins
from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.core import canonical, clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Missing
from apps.erasure import events
from apps.erasure.models import (
    Archive,
    Certificate,
    Evidence,
    Plan,
    Statement,
    Step,
    SubjectCertificate,
)
from apps.erasure.states import ERASED, FORGOTTEN, LIVING
from apps.keys.selectors import Shredded, shredded
from apps.subjects import telling
from apps.subjects.models import Subject

FORMAT = "lethe-erasure-certificate/5"
FORMAT_OF_SUBJECT = "lethe-subject-certificate/2"


def finish(*, actor: Actor) -> int:
    """Finish the approved plans of the scope that have no living step; issue certificates.

    One whose people are still being shredded waits: its second date is not known yet.
    """
    done = (
        Plan.objects.filter(state=Plan.State.APPROVED)
        .exclude(steps__state__in=LIVING)
        .exclude(steps__record__subject__state=Subject.State.SHREDDING)
    )
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
    text = _text(_content(plan))
    log = ledger.log(scope.current())
    Certificate.objects.create(plan=plan, note=origins.current(log).signer().sign(text))
    audit.record(
        events.PLAN_FINISHED,
        actor=actor,
        object_id=plan.pk,
        counts={
            "steps": plan.steps.count(),
            "verified": plan.steps.filter(state__in=ERASED).count(),
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


@transaction.atomic
def of_subject(*, actor: Actor, subject_id: UUID) -> SubjectCertificate:
    """The certificate of one person, issued the first time it is asked for.

    Raises Missing for an unknown person, and Conflict until the last of their records was erased
    and their key is destroyed.
    """
    subject = Subject.objects.select_for_update().filter(pk=subject_id).first()
    if subject is None:
        raise Missing("subject", _("There is no such person."))
    found = SubjectCertificate.objects.filter(subject=subject).first()
    if found is not None:
        return found
    if subject.state != Subject.State.SHREDDED:
        message = _("The certificate comes when the last record is erased and the key destroyed.")
        raise Conflict("not_shredded", message)
    content = _content_of_subject(subject)
    text = _text(content)
    log = ledger.log(scope.current())
    made: SubjectCertificate = SubjectCertificate.objects.create(
        subject=subject, note=origins.current(log).signer().sign(text)
    )
    audit.record(
        events.CERTIFICATE_ISSUED,
        actor=actor,
        object_id=subject.pk,
        counts={"records": len(content["steps"])},
        commitments={"certificate": hashlib.sha256(text.encode()).digest()},
    )
    return made


def _text(content: dict[str, Any]) -> str:
    """One line naming the format (so that no checkpoint can be mistaken for it), one of JSON."""
    return f"{content['format']}\n{canonical.dumps(content).decode('ascii')}\n"


def _content(plan: Plan) -> dict[str, Any]:
    steps = list(plan.steps.select_related("record").order_by("pk"))
    keys = _keys(steps)
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
        "irreversible": _irreversible(steps, keys),
        "checkpoint": _checkpoint(),
        "recipients": _recipients([step.record.subject_id for step in steps if step.pk in keys]),
        "steps": _steps(steps, keys),
    }


def _content_of_subject(subject: Subject) -> dict[str, Any]:
    """The step that erased each of the person's records."""
    ended = Step.objects.filter(record__subject=subject, state__in=FORGOTTEN)
    steps = list(ended.select_related("record", "plan").order_by("finished_at"))
    keys = _keys(steps)
    return {
        "format": FORMAT_OF_SUBJECT,
        "controller": subject.controller_id,
        "subject": subject.pk,
        "effective": subject.shredded_at,
        "irreversible": _irreversible(steps, keys),
        "checkpoint": _checkpoint(),
        "recipients": _recipients([subject.pk]),
        "steps": [
            one | {"plan": step.plan_id, "action": step.plan.action}
            for step, one in zip(steps, _steps(steps, keys), strict=True)
        ],
    }


def _steps(steps: list[Step], keys: dict[UUID, Shredded]) -> list[dict[str, Any]]:
    ids = [step.pk for step in steps]
    records = [step.record_id for step in steps]
    kept = Archive.objects.filter(record_id__in=records, state=Archive.State.KEPT)
    archived = {one.record_id: one for one in kept}
    statements = {one.step_id: one for one in Statement.objects.filter(step_id__in=ids)}
    evidence: dict[UUID, dict[str, str]] = {}
    for row in Evidence.objects.filter(step_id__in=ids).order_by("pk"):
        evidence.setdefault(row.step_id, {}).setdefault(row.kind, bytes(row.commitment).hex())
    return [
        _step(step, keys.get(step.pk), evidence.get(step.pk, {}))
        | {"archive": _archive(step, archived.get(step.record_id))}
        | {"statement": _statement(statements.get(step.pk))}
        for step in steps
    ]


def _recipients(subject_ids: list[UUID]) -> list[dict[str, Any]]:
    """Who had been given the data of people whose key is destroyed, and whether they were told
    (art. 19)."""
    return [
        {
            "disclosure": row.pk,
            "recipient": row.recipient_id,
            "state": row.state,
            "code": row.code,
            "settled_at": row.settled_at,
        }
        for row in telling.of_people(subject_ids)
    ]


def _statement(found: Statement | None) -> dict[str, Any] | None:
    """Who stated an erasure that nothing could be read back of. It is no proof."""
    if found is None:
        return None
    return {
        "made_by": found.made_by_id,
        "made_at": found.made_at,
        "commitment": bytes(found.commitment).hex(),
    }


def _keys(steps: list[Step]) -> dict[UUID, Shredded]:
    """Of each verified step whose person's key is destroyed: its two dates."""
    verified = [step for step in steps if step.state in FORGOTTEN]
    found = shredded([step.record.subject_id for step in verified])
    return {
        step.pk: found[step.record.subject_id]
        for step in verified
        if step.record.subject_id in found
    }


def _irreversible(steps: list[Step], keys: dict[UUID, Shredded]) -> dict[str, Any]:
    """`by`: the day by whose end the last of the destroyed keys is gone from every backup."""
    verified = sum(step.state in FORGOTTEN for step in steps)
    return {
        "by": max((key.irreversible_by for key in keys.values()), default=None),
        "keys_destroyed": len(keys),
        "keys_kept": verified - len(keys),
    }


def _key(key: Shredded | None) -> dict[str, Any] | None:
    if key is None:
        return None
    return {
        "epoch": key.epoch_id,
        "effective": key.shredded_at,
        "irreversible_by": key.irreversible_by,
    }


def _archive(step: Step, kept: Archive | None) -> dict[str, Any] | None:
    """What the intermediate archive keeps of the record: names of fields and a commitment."""
    if kept is None or step.state != Step.State.ARCHIVED:
        return None
    return {
        "archive": kept.pk,
        "profile": kept.profile,
        "fields": kept.fields,
        "commitment": bytes(kept.commitment).hex(),
        "sealed_at": kept.sealed_at,
    }


def _checkpoint() -> str | None:
    """The signed head of the controller's log: what the outcomes above are provable against."""
    found = ledger.checkpoint(scope.current())
    return found.note if found is not None else None


def _step(step: Step, key: Shredded | None, commitments: dict[str, str]) -> dict[str, Any]:
    return {
        "step": step.pk,
        "record": step.record_id,
        "rule": step.rule,
        "due_on": step.due_on,
        "outcome": step.state,
        "code": step.code,
        "sent_at": step.sent_at,
        "finished_at": step.finished_at,
        "asked": step.asked,
        "answered": {"status": step.answered, "request_id": step.request_id},
        "fields": {
            "clean": step.clean,
            "residue": step.residue,
            "confirmed": step.confirmed,
            "unread": step.unread,
        },
        "key": _key(key),
        "commitments": commitments,
    }
