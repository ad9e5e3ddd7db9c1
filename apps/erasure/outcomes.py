"""Ending a step: the outcome, its evidence, its ledger entry and, when verified, the record.

`end` is the only door to an ended state. It refuses `verified` without a reading that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.connectors.port import Snapshot
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.erasure import archiving, claims, events, evidence, states
from apps.erasure.models import Statement, Step
from apps.erasure.verification import Reading
from apps.keys import services as keys
from apps.subjects import services as subjects
from apps.subjects import shredding

NOTHING_READ = Reading()
#: Why a step may not end as proposed: (state, code), or None.
Guard = Callable[[], tuple[str, str] | None]


def end(
    *,
    actor: Actor,
    step: Step,
    state: str,
    code: str = "",
    reading: Reading = NOTHING_READ,
    after: Snapshot | None = None,
    guard: Guard | None = None,
) -> bool:
    """End the step if this attempt still holds it. Raises Conflict for a false success.

    `guard` is asked first, in the same transaction: a refusal (state, code) ends the step
    instead. A step that was never sent needs one, as no lock was taken for it yet.
    """
    if state == Step.State.VERIFIED and (after is None or reading.outcome != "verified"):
        raise Conflict("not_verified", _("Nothing is erased until it was read back."))
    with transaction.atomic():
        refusal = guard() if guard is not None else None
        if refusal is not None:
            (state, code), reading, after = refusal, NOTHING_READ, None
        verified = state == Step.State.VERIFIED
        if verified and step.to_archive:
            state, code = _archived(step, code)
        if not _write(step, state, code, reading):
            return False
        if verified:
            shredding.bury(actor=actor, record_ids=[step.record_id])
        commitment = _keep(step, after)
        if verified:
            _forget(actor, step)
        else:
            archiving.discard(step=step, state=state)
            subjects.mark_sending(actor=actor, record_id=step.record_id, step_id=None)
        _record(actor, step, state, reading, commitment)
    if verified:
        shredding.finish_shredding(actor=actor, subject_ids=[step.record.subject_id])
    return True


def state_done(*, actor: Actor, step: Step, statement: Statement, fields: Sequence[str]) -> bool:
    """End a step on a named person's statement, which proves nothing and says so: only where this
    ATS cannot be read back. Part of the caller's transaction, who finishes the shredding after."""
    if not _write(step, Step.State.STATED, "stated", NOTHING_READ):
        return False
    claims.mine(step).update(asked=list(fields))
    shredding.bury(actor=actor, record_ids=[step.record_id])
    _forget(actor, step)
    audit.record(
        events.STATED,
        actor=actor,
        object_id=step.record_id,
        refs={
            "plan": step.plan_id,
            "step": step.pk,
            "policy": step.plan.policy_id,
            "statement": statement.pk,
        },
        counts={"fields": len(fields)},
        commitments={"text": bytes(statement.commitment)},
    )
    return True


def _forget(actor: Actor, step: Step) -> None:
    """The record is gone there: it goes here too, and the archive keeps what it must."""
    shredding.entomb(actor=actor, record_ids=[step.record_id])
    if step.to_archive:
        archiving.keep(actor=actor, step=step)
    else:
        archiving.drop(step=step)


@transaction.atomic
def put_back(*, actor: Actor, step: Step, code: str) -> None:
    """The ATS refused the call and a reading shows the record as it was: planned again, for when
    what is missing is there. It is not being erased, so a hold counts again."""
    row = claims.mine(step).select_for_update().filter(state=Step.State.SENT).first()
    if row is None:
        return
    row.state, row.code, row.lease_until, row.not_before = Step.State.PLANNED, code, None, None
    row.save(update_fields=["state", "code", "lease_until", "not_before"])
    subjects.mark_sending(actor=actor, record_id=step.record_id, step_id=None)
    audit.record(
        events.STEP_PUT_BACK,
        actor=actor,
        object_id=step.record_id,
        refs={"plan": step.plan_id, "step": step.pk},
        codes={"code": code},
    )


def _archived(step: Step, code: str) -> tuple[str, str]:
    """Read back and gone: archived, if there was still something to archive."""
    if archiving.of(step) is None:
        return Step.State.VERIFIED, "not_archived"
    return Step.State.ARCHIVED, code


def _write(step: Step, state: str, code: str, reading: Reading) -> bool:
    row = claims.mine(step).select_for_update().first()
    if row is None or not states.may(row.state, state):
        return False
    row.state, row.code, row.lease_until = state, code, None
    row.finished_at = clock.now()
    note_reading(row, reading)
    row.save()
    return True


def note_reading(row: Step, reading: Reading) -> None:
    """Put the names of what was read into the row; the caller saves it."""
    row.clean, row.residue = list(reading.clean), list(reading.residue)
    row.confirmed, row.unread = list(reading.confirmed), list(reading.unread)


def look_again(step: Step, reading: Reading) -> None:
    """The ATS may still be at work: keep what this reading showed, and read again."""
    note_reading(step, reading)
    claims.mine(step).update(
        clean=step.clean, residue=step.residue, confirmed=step.confirmed, unread=step.unread
    )
    claims.let_go(step, wait=states.pause(step.attempt), code=step.code)


def _keep(step: Step, after: Snapshot | None) -> bytes | None:
    if after is None:
        return None
    key = keys.open_one(step.record.subject_id)
    read_at = after.read_at or clock.now()
    kept = evidence.keep(step=step, kind="after", snapshot=after, key=key, read_at=read_at)
    return bytes(kept.commitment)


def _record(
    actor: Actor, step: Step, state: str, reading: Reading, commitment: bytes | None
) -> None:
    audit.record(
        events.STEP_ENDED[state],
        actor=actor,
        object_id=step.record_id,
        refs={"plan": step.plan_id, "step": step.pk, "policy": step.plan.policy_id},
        counts={
            "clean": len(reading.clean),
            "residue": len(reading.residue),
            "confirmed": len(reading.confirmed),
            "unread": len(reading.unread),
        },
        commitments={"after": commitment} if commitment is not None else {},
    )
