"""Reading back what was sent, until the reading can be the outcome.

While a slow ATS may still be at work (the connection's settle time) a residue or a missing
confirmation is waited for. After that the reading decides, with one exception: a record that
shows exactly what it showed before, for a call whose answer never came, is sent once more.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from apps.connectors import selectors as connectors
from apps.connectors.port import Connector, Snapshot
from apps.core.actors import Actor
from apps.erasure import (
    absence,
    admission,
    claims,
    evidence,
    obstacles,
    outcomes,
    reading,
    sending,
    taxonomy,
    troubles,
)
from apps.erasure.models import Evidence, Step
from apps.erasure.states import MAX_SENDS
from apps.erasure.verification import Reading, judge
from apps.keys import services as keys

#: The ATS said no, or was never reached: the call cannot have had an effect.
REFUSED = frozenset(
    {"forbidden", "unauthorized", "rejected", "redirected", "host_refused", "by_hand"}
)
NOT_REACHED = frozenset({"rate_limited", "unreachable"})


def settle(*, actor: Actor, adapter: Connector, steps: list[Step]) -> None:
    """Read back a batch of sent steps; end those whose reading is final."""
    read = reading.read(actor=actor, adapter=adapter, steps=steps)
    for step in read.steps:
        with reading.alone(actor, step):
            _settle_one(actor, adapter, step, read.of(step))


def _settle_one(actor: Actor, adapter: Connector, step: Step, after: Snapshot | None) -> None:
    if after is None:
        outcomes.end(actor=actor, step=step, state=Step.State.UNVERIFIABLE, code="record_gone")
        return
    if not after.found:
        absence.settle_absent(actor=actor, adapter=adapter, step=step, snapshot=after)
        return
    shown = judge(after, adapter.capabilities, confirmed=_confirmed(step))
    if step.plan.action == "delete":
        shown = Reading(residue=shown.residue or ("record",), unread=shown.unread)
    if shown.outcome == "verified":
        outcomes.end(actor=actor, step=step, state=Step.State.VERIFIED, reading=shown, after=after)
    elif not _put_back(actor, adapter, step, after) and not _resend(actor, adapter, step, after):
        _conclude(actor, step, shown, after)


def _confirmed(step: Step) -> frozenset[str]:
    """Fields the vendor's own event named as anonymized since the step was sent."""
    if step.sent_at is None:
        return frozenset()
    record = step.record
    digest = bytes(record.remote_digest)
    return connectors.confirmed(record.connection_id, digest, step.sent_at).fields


def _put_back(actor: Actor, adapter: Connector, step: Step, after: Snapshot) -> bool:
    """The ATS refused for want of something all calls want, such as a permission, and shows the
    record as it was: planned again, and no reason to fail."""
    if taxonomy.kind(step.code) != "blocked" or step.request_id or not _unchanged(step, after):
        return False
    found = obstacles.of(step.plan.connection_id)
    if found is None and not troubles.is_everywhere(adapter, step.code):
        return False
    outcomes.put_back(actor=actor, step=step, code=step.code)
    return True


def _conclude(actor: Actor, step: Step, shown: Reading, after: Snapshot) -> None:
    """Not verified: wait while the ATS may be at work, then say what the reading says."""
    refused = step.code in REFUSED and not step.request_id
    if not refused and not claims.is_settled(step):
        outcomes.look_again(step, shown)
        return
    state = Step.State.FAILED if refused else Step.State(shown.outcome)
    code = step.code if refused else _code(shown)
    outcomes.end(actor=actor, step=step, state=state, code=code, reading=shown, after=after)


def _code(shown: Reading) -> str:
    return "data_remain" if shown.residue else "not_confirmed"


def _unchanged(step: Step, after: Snapshot) -> bool:
    """The ATS shows exactly what it showed before the call."""
    key = keys.open_one(step.record.subject_id)
    return evidence.unchanged(step_id=step.pk, snapshot=after, key=key)


def _resend(actor: Actor, adapter: Connector, step: Step, after: Snapshot) -> bool:
    """Send once more when this read shows that nothing happened and the decision still holds.

    True when that settled the step for now: it was sent, called off, or is to be read anew.
    """
    if not _may_resend(step) or not _unchanged(step, after):
        return False
    with transaction.atomic():
        refusal = admission.refused_under_lock(step)
        if not claims.held(step).select_for_update().filter(state=Step.State.SENT).exists():
            # The reading took longer than the lease: neither sent nor concluded, but read anew.
            claims.let_go(step, wait=timedelta(), code=step.code)
            return True
        if refusal is not None:
            return _call_off(actor, step, refusal)
        first = Evidence.objects.filter(step=step, kind="before").order_by("pk")[0]
        sending.mark_sent(actor=actor, step=step, commitment=bytes(first.commitment))
    sending.call(actor=actor, adapter=adapter, step=step, remote_id=after.remote_id)
    return True


def _may_resend(step: Step) -> bool:
    """Nothing was answered, nothing was refused, and no call can still be on its way."""
    if step.request_id or step.code in REFUSED or step.sends >= MAX_SENDS:
        return False
    if claims.is_paused(step):
        return False
    return step.code in NOT_REACHED or claims.is_settled(step)


def _call_off(actor: Actor, step: Step, refusal: tuple[str, str]) -> bool:
    """The decision fell since the first call. One that never reached the ATS ends the step;
    any other was heard, perhaps, so that only a reading may say how it ended."""
    if step.code not in NOT_REACHED:
        return False
    return outcomes.end(actor=actor, step=step, state=refusal[0], code=refusal[1])
