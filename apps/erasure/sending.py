"""The one place that commits `sent` and the one place that makes a call with an effect."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from apps.audit import services as audit
from apps.connectors import deadline
from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector
from apps.core import clock
from apps.core.actors import Actor
from apps.erasure import claims, events, obstacles, waits
from apps.erasure.models import Step
from apps.subjects import services as subjects

#: Time an ATS gets before the first read-back.
FIRST_LOOK = timedelta(seconds=1)


def mark_sent(*, actor: Actor, step: Step, commitment: bytes) -> None:
    """Inside the caller's transaction: from here on a call may have had its effect."""
    step.state, step.sends = Step.State.SENT, step.sends + 1
    claims.mine(step).update(
        state=step.state,
        sends=step.sends,
        sent_at=Now(),  # the clock that dates the vendor's events too
        request_id="",
        asked=[],
        answered=None,
        code="",
        not_before=None,
        lease_until=clock.now() + claims.lease(),
    )
    step.refresh_from_db(fields=["sent_at"])
    subjects.mark_sending(actor=actor, record_id=step.record_id, step_id=step.pk)
    audit.record(
        events.STEP_SENT,
        actor=actor,
        object_id=step.record_id,
        refs={"plan": step.plan_id, "step": step.pk, "policy": step.plan.policy_id},
        codes={"action": step.plan.action},
        counts={"send": step.sends},
        commitments={"before": commitment},
    )


def call(*, actor: Actor, adapter: Connector, step: Step, remote_id: str) -> str:
    """The call with an effect, outside any transaction. Its answer decides nothing; the code of a
    refusal is returned, so that the next step need not be refused too."""
    erase = adapter.anonymize if step.plan.action == "anonymize" else adapter.delete
    try:
        # The first byte leaves while the lease runs, or not at all.
        with deadline.within(claims.lease().total_seconds() / 2):
            receipt = erase(remote_id)
    except ConnectorError as error:
        wait = waits.backoff(step.sends, error.retry_after)
        claims.let_go(step, wait=wait, code=error.code)
        return error.code
    claims.mine(step).update(
        request_id=receipt.request_id,
        asked=list(receipt.requested),
        answered=receipt.status,
        lease_until=None,
        not_before=clock.now() + FIRST_LOOK,
        errors=0,
    )
    obstacles.overcome(actor=actor, connection_id=step.plan.connection_id, writing=True)
    return ""
