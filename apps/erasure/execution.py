"""Erasing a record through its ATS. This file can destroy what nobody can bring back.

Principles.
1. The ATS is asked again before anything is sent: a plan is a photograph, the person may have
   applied yesterday. Whatever changed makes the step stale, and its approval falls.
2. `sent` is committed before the call, under the lock of the person's records, with the hold
   checked under that same lock. A hold placed first means no call; a call committed first makes
   the hold too late, and it says so.
3. The call is made outside any transaction and never repeated blindly. A step found in `sent`
   is read first, always; only a read that shows the record exactly as before, after the time a
   slow ATS may take, allows another call.
4. What the call returned decides nothing. The outcome is what a read-back showed
   (verification.py), plus what the vendor's own event confirmed for fields no read shows.
5. Only `verified` entombs the record and, with the person's last record, destroys their key.
6. A record that goes to the intermediate archive is sealed there first, opened and compared
   (archiving.py); `archived` is `verified` with that archive kept.

Order of the transactions of one step:
   claim │ (read the ATS) │ archive's key, in keys │ archive sealed + entry
         │ sent + evidence before + entry │ (call) │ request id
         │ (read the ATS) │ tombstone, in keys │ outcome + evidence after + entomb + entry
         │ key and journal, in keys │ shredded + entry
A crash between any two of them leaves a row that says where to go on.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.connectors.port import Connector, Snapshot
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Unavailable
from apps.erasure import (
    absence,
    admission,
    archiving,
    claims,
    evidence,
    facts,
    gates,
    hands,
    outcomes,
    reading,
    sending,
    settling,
    troubles,
)
from apps.erasure.models import Step
from apps.erasure.verification import Reading
from apps.keys import services as keys

#: A reading older than this is read again before anything is sent: a batch may wait for the
#: ATS's limit, and the person may apply meanwhile.
FRESH = timedelta(seconds=60)
#: How long a step of a paused connection is left alone before anybody looks again.
PAUSED = timedelta(minutes=1)


def advance(*, actor: Actor, connection_id: UUID) -> int:
    """Take one batch of steps of a connection as far as they go now. Returns how many moved."""
    adapter = connectors.adapter(Connection.objects.get(pk=connection_id))
    return advance_with(actor=actor, connection_id=connection_id, adapter=adapter)


def advance_with(*, actor: Actor, connection_id: UUID, adapter: Connector) -> int:
    """`advance` through a given adapter. First what was sent, then what was not."""
    moved = 0
    new = [Step.State.PLANNED, Step.State.CLAIMED]
    for states, work in (([Step.State.SENT], settling.settle), (new, _start)):
        steps = claims.claim(actor=actor, connection_id=connection_id, states=states)
        try:
            work(actor=actor, adapter=adapter, steps=steps)
        except Unavailable:
            claims.release(steps)  # what everybody shares is missing: nobody's own trouble
            raise
        moved += len(steps)
    return moved


def _start(*, actor: Actor, adapter: Connector, steps: list[Step]) -> None:
    possible = [step for step in steps if step.plan.action in adapter.capabilities.actions]
    for step in steps:
        if step not in possible:
            hands.hand_over(actor=actor, step=step)
    if possible and gates.is_full(Connection.objects.get(pk=possible[0].plan.connection_id)):
        for step in possible:
            claims.let_go(step, wait=gates.until_tomorrow(), code=gates.FULL)
        return
    read = reading.read(actor=actor, adapter=adapter, steps=possible)
    waiting = list(read.steps)
    while waiting:
        step = waiting.pop(0)
        with reading.alone(actor, step):
            if _start_one(actor, adapter, step, read) and waiting:
                # The ATS refuses such calls, not this one: nobody else need be refused.
                for other in waiting:
                    claims.let_go(other, wait=timedelta())
                return


def _start_one(actor: Actor, adapter: Connector, step: Step, read: reading.Read) -> bool:
    """True when its call was refused for a reason that every other would meet."""
    before = read.of(step)
    if before is None:
        outcomes.end(actor=actor, step=step, state=Step.State.STALE, code="record_gone")
    elif before.read_at is not None and clock.now() - before.read_at > FRESH:
        claims.let_go(step, wait=timedelta())
    elif not before.found:
        guard = partial(admission.refused_under_lock, step)
        absence.settle_absent(actor=actor, adapter=adapter, step=step, snapshot=before, guard=guard)
    elif not facts.same(actor=actor, step=step, before=before):
        outcomes.end(actor=actor, step=step, state=Step.State.STALE, code="facts_changed")
    elif _archived(actor, adapter, step, before) and _commit_sent(actor, step, before):
        code = sending.call(actor=actor, adapter=adapter, step=step, remote_id=before.remote_id)
        return troubles.refused(actor=actor, adapter=adapter, step=step, code=code)
    return False


def _archived(actor: Actor, adapter: Connector, step: Step, before: Snapshot) -> bool:
    """Sealed for the archive, if that is where it goes; else why not is said."""
    if not step.to_archive:
        return True
    refusal = archiving.seal(
        actor=actor, step=step, before=before, capabilities=adapter.capabilities
    )
    if refusal is not None and refusal is not archiving.LOST:
        unread = Reading(unread=refusal.fields)
        failed = Step.State.FAILED
        outcomes.end(actor=actor, step=step, state=failed, code=refusal.code, reading=unread)
    return refusal is None


@transaction.atomic
def _commit_sent(actor: Actor, step: Step, before: Snapshot) -> bool:
    """Commit `sent` under the lock a hold would take, or end the step and say why not."""
    refusal = admission.refused_under_lock(step)
    if claims.held(step).select_for_update().filter(state=Step.State.CLAIMED).first() is None:
        return False  # another worker has it, or may take it any moment
    if claims.is_paused(step):
        claims.let_go(step, wait=PAUSED, code="paused")
        return False
    if refusal is not None:
        outcomes.end(actor=actor, step=step, state=refusal[0], code=refusal[1])
        return False
    if not gates.take(step):
        claims.let_go(step, wait=gates.until_tomorrow(), code=gates.FULL)
        return False
    key = keys.open_one(step.record.subject_id)
    kept = evidence.keep(
        step=step, kind="before", snapshot=before, key=key, read_at=before.read_at or clock.now()
    )
    sending.mark_sent(actor=actor, step=step, commitment=bytes(kept.commitment))
    return True
