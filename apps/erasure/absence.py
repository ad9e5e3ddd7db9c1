"""An id the ATS no longer returns: proof, or a merge, or nothing at all (HOUSE §5).

It counts only with earlier evidence that it existed, a credential that still has its scope, and a
search by each of the person's e-mails that finds no other id. If one is found, the ATS merged the
file or the person has two: the step is stale and follows the survivor, which is decided on its own
facts. The record waits for that one, and is looked for again once it is erased.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from django.db import transaction

from apps.connectors import selectors as connectors
from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector, Snapshot
from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.erasure import claims, outcomes, troubles
from apps.erasure.models import Step
from apps.erasure.verification import Reading, judge_absence, remains
from apps.subjects import intake
from apps.subjects import selectors as subjects
from apps.subjects import services as subjects_services
from apps.subjects.models import Record

#: Other records of the connection asked for before an absence is believed; one must be shown.
WITNESSES = 5


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
        shown, code, others = judged(adapter, step, snapshot)
    except ConnectorError as error:
        troubles.met(actor=actor, adapter=adapter, steps=[step], error=error)
        return
    if others and not snapshot.leaves:
        _follow(actor, adapter, step, others, guard)
        return
    if shown.outcome == "verified":
        state = Step.State.VERIFIED
    elif step.state == Step.State.SENT and not claims.is_settled(step):
        outcomes.look_again(step, shown)
        return
    else:
        sent = step.state == Step.State.SENT
        state = Step.State.RESIDUAL if sent and shown.residue else Step.State.UNVERIFIABLE
    outcomes.end(
        actor=actor,
        step=step,
        state=state,
        code=code,
        reading=shown,
        after=snapshot,
        guard=guard,
    )


def _follow(
    actor: Actor,
    adapter: Connector,
    step: Step,
    others: Collection[str],
    guard: outcomes.Guard | None,
) -> None:
    """The person lives on under another id of this ATS: that file is known here from now on, and
    the step waits for it."""
    try:
        found = adapter.fetch(sorted(others))
    except ConnectorError as error:
        troubles.met(actor=actor, adapter=adapter, steps=[step], error=error)
        return
    connection_id = step.plan.connection_id
    with suppress(Conflict):  # it is moving: the next sync takes it
        intake.take(actor=actor, connection_id=connection_id, candidates=list(found.values()))
    digests = [connectors.remote_digest(connection_id, remote_id) for remote_id in sorted(others)]
    known = Record.objects.filter(connection_id=connection_id, remote_digest__in=digests)
    survivor = known.exclude(state=Record.State.ERASED).order_by("pk").first()
    with transaction.atomic():
        claims.mine(step).update(follows=survivor)
        stale = Step.State.STALE
        if outcomes.end(actor=actor, step=step, state=stale, code="merged", guard=guard):
            subjects_services.mark_gone(actor=actor, record_ids=[step.record_id])


def judged(
    adapter: Connector, step: Step, snapshot: Snapshot
) -> tuple[Reading, str, frozenset[str]]:
    """What the absence shows, its code, and other ids under which the person was found."""
    who = subjects.identities([step.record_id]).get(step.record_id)
    emails = who.emails if who is not None else ()
    ids = {remote_id for email in emails for remote_id in adapter.search(email)}
    still, others = snapshot.remote_id in ids, frozenset(ids - {snapshot.remote_id})
    shown = judge_absence(
        # Our own record is earlier evidence; a person without e-mail cannot be searched for.
        existed=bool(step.record.fingerprint) and bool(emails),
        credential_whole=_sees_the_account(adapter, step),
        found_elsewhere=bool(others),
        still_found=still,
        left=remains(snapshot, adapter.capabilities),
        unreadable=tuple(sorted(snapshot.unreadable)),
    )
    if shown.outcome == "verified":
        return shown, "absent", others
    if still:
        return shown, "id_not_returned", frozenset()
    return shown, "merged" if others else "absence_unproven", others


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
