"""Reading back what was sent, until the reading can be the outcome.

While a slow ATS may still be at work (the connection's settle time) a residue or a missing
confirmation is waited for. After that the reading decides, with one exception: a record that
shows exactly what it showed before, for a call whose answer never came, is sent once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from apps.connectors import selectors as connectors
from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector, Snapshot
from apps.core import clock
from apps.core.actors import Actor
from apps.erasure import admission, claims, evidence, outcomes, sending
from apps.erasure.models import Evidence, Step
from apps.erasure.states import MAX_ATTEMPTS, MAX_SENDS, pause
from apps.erasure.verification import Reading, judge, judge_absence, remains
from apps.keys import services as keys
from apps.subjects import selectors as subjects
from apps.subjects.models import Record

#: The ATS said no, or was never reached: the call cannot have had an effect.
REFUSED = frozenset(
    {"forbidden", "unauthorized", "rejected", "redirected", "host_refused", "by_hand"}
)
NOT_REACHED = frozenset({"rate_limited", "unreachable"})
#: Other records of the connection asked for before an absence is believed; one must be shown.
WITNESSES = 5


def settle(*, actor: Actor, adapter: Connector, steps: list[Step]) -> None:
    """Read back a batch of sent steps; end those whose reading is final."""
    remote = subjects.remote_ids([step.record_id for step in steps])
    try:
        found = adapter.export(sorted(remote.values())) if remote else {}
    except ConnectorError as error:
        for step in steps:
            _unreadable(actor, step, error)
        return
    for step in steps:
        _settle_one(actor, adapter, step, remote, found)


def _unreadable(actor: Actor, step: Step, error: ConnectorError) -> None:
    """The read-back itself failed: unknown is not erased, and not for ever."""
    never_sent = step.state == Step.State.CLAIMED
    if step.attempt >= MAX_ATTEMPTS and (never_sent or _settled(step)):
        state = Step.State.FAILED if never_sent else Step.State.UNVERIFIABLE
        outcomes.end(actor=actor, step=step, state=state, code=error.code)
        return
    wait = max(pause(step.attempt), timedelta(seconds=error.retry_after or 0))
    claims.let_go(step, wait=wait, code=step.code)


def _settle_one(
    actor: Actor,
    adapter: Connector,
    step: Step,
    remote: Mapping[UUID, str],
    found: Mapping[str, Snapshot],
) -> None:
    remote_id = remote.get(step.record_id)
    if remote_id is None:
        outcomes.end(actor=actor, step=step, state=Step.State.UNVERIFIABLE, code="record_gone")
        return
    after = found[remote_id]
    if not after.found:
        settle_absent(actor=actor, adapter=adapter, step=step, snapshot=after)
        return
    reading = judge(after, adapter.capabilities, confirmed=_confirmed(step))
    if step.plan.action == "delete":
        reading = Reading(residue=reading.residue or ("record",), unread=reading.unread)
    if reading.outcome == "verified":
        outcomes.end(
            actor=actor, step=step, state=Step.State.VERIFIED, reading=reading, after=after
        )
    elif not _resend(actor, adapter, step, remote_id, after):
        _conclude(actor, step, reading, after)


def _confirmed(step: Step) -> frozenset[str]:
    """Fields the vendor's own event named as anonymized since the step was sent."""
    if step.sent_at is None:
        return frozenset()
    record = step.record
    digest = bytes(record.remote_digest)
    return connectors.confirmed(record.connection_id, digest, step.sent_at).fields


def _conclude(actor: Actor, step: Step, reading: Reading, after: Snapshot) -> None:
    """Not verified: wait while the ATS may be at work, then say what the reading says."""
    refused = step.code in REFUSED and not step.request_id
    if not refused and not _settled(step):
        _look_again(step, reading)
        return
    state = Step.State.FAILED if refused else Step.State(reading.outcome)
    code = step.code if refused else _code(reading)
    outcomes.end(actor=actor, step=step, state=state, code=code, reading=reading, after=after)


def _code(reading: Reading) -> str:
    return "data_remain" if reading.residue else "not_confirmed"


def _look_again(step: Step, reading: Reading) -> None:
    outcomes.note_reading(step, reading)
    claims.mine(step).update(
        clean=step.clean, residue=step.residue, confirmed=step.confirmed, unread=step.unread
    )
    claims.let_go(step, wait=pause(step.attempt), code=step.code)


def _settled(step: Step) -> bool:
    """The time a slow ATS may take is over; and, for a call that never answered, the time in
    which it may still be on its way."""
    if step.sent_at is None:
        return False
    wait = timedelta(seconds=step.plan.connection.settle_seconds)
    if not step.request_id:
        wait = max(wait, claims.lease())
    return clock.now() >= step.sent_at + wait


def _resend(actor: Actor, adapter: Connector, step: Step, remote_id: str, after: Snapshot) -> bool:
    """Send once more when this read shows that nothing happened and the decision still holds.

    True when that settled the step for now: it was sent, called off, or is to be read anew.
    """
    if not _may_resend(step):
        return False
    key = keys.open_one(step.record.subject_id)
    if not evidence.unchanged(step_id=step.pk, snapshot=after, key=key):
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
    sending.call(actor=actor, adapter=adapter, step=step, remote_id=remote_id)
    return True


def _may_resend(step: Step) -> bool:
    """Nothing was answered, nothing was refused, and no call can still be on its way."""
    if step.request_id or step.code in REFUSED or step.sends >= MAX_SENDS:
        return False
    if claims.is_paused(step):
        return False
    return step.code in NOT_REACHED or _settled(step)


def _call_off(actor: Actor, step: Step, refusal: tuple[str, str]) -> bool:
    """The decision fell since the first call. One that never reached the ATS ends the step;
    any other was heard, perhaps, so that only a reading may say how it ended."""
    if step.code not in NOT_REACHED:
        return False
    return outcomes.end(actor=actor, step=step, state=refusal[0], code=refusal[1])


def settle_absent(
    *,
    actor: Actor,
    adapter: Connector,
    step: Step,
    snapshot: Snapshot,
    guard: outcomes.Guard | None = None,
) -> None:
    """The ATS no longer returns the id: look for the person before believing it."""
    try:
        reading, code = _absence(adapter, step, snapshot)
    except ConnectorError as error:
        _unreadable(actor, step, error)
        return
    if reading.outcome == "verified":
        state = Step.State.VERIFIED
    elif step.state == Step.State.SENT and not _settled(step):
        _look_again(step, reading)
        return
    else:
        sent = step.state == Step.State.SENT
        state = Step.State.RESIDUAL if sent and reading.residue else Step.State.UNVERIFIABLE
    outcomes.end(
        actor=actor,
        step=step,
        state=state,
        code=code,
        reading=reading,
        after=snapshot,
        guard=guard,
    )


def _absence(adapter: Connector, step: Step, snapshot: Snapshot) -> tuple[Reading, str]:
    who = subjects.identities([step.record_id]).get(step.record_id)
    emails = who.emails if who is not None else ()
    ids = {remote_id for email in emails for remote_id in adapter.search(email)}
    still, elsewhere = snapshot.remote_id in ids, bool(ids - {snapshot.remote_id})
    reading = judge_absence(
        # Our own record is earlier evidence; a person without e-mail cannot be searched for.
        existed=bool(step.record.fingerprint) and bool(emails),
        credential_whole=_sees_the_account(adapter, step),
        found_elsewhere=elsewhere,
        still_found=still,
        left=remains(snapshot, adapter.capabilities),
        unreadable=tuple(sorted(snapshot.unreadable)),
    )
    if reading.outcome == "verified":
        return reading, "absent"
    return reading, "id_not_returned" if still else "merged" if elsewhere else "absence_unproven"


def _sees_the_account(adapter: Connector, step: Step) -> bool:
    """The credential has its scopes, opens the account that was connected, and is still shown
    others we know there: where nobody is shown any more, an absent id says nothing."""
    check = adapter.check()
    connection = step.plan.connection
    if not check.ok or check.missing_scopes or check.account != connection.account:
        return False
    present = Record.objects.filter(
        connection_id=connection.pk, state=Record.State.PRESENT, sending_step=None
    )
    known = present.exclude(pk=step.record_id).order_by("-seen_at").values_list("pk", flat=True)
    witnesses = subjects.remote_ids(list(known[:WITNESSES]))
    return not witnesses or bool(adapter.fetch(sorted(witnesses.values())))
