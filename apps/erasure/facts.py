"""Whether a record still is what its plan was made from."""

from __future__ import annotations

from contextlib import suppress

from apps.connectors.port import Snapshot
from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.erasure.models import Step
from apps.subjects import intake


def same(*, actor: Actor, step: Step, before: Snapshot) -> bool:
    """Take in what the ATS says now; whether it is what the plan was made from."""
    if before.candidate is None:
        return False
    if intake.facts_digest(before.candidate) == bytes(step.record.fingerprint):
        return True
    with suppress(Conflict):  # the facts are moving: the next sync takes them
        intake.take(
            actor=actor,
            connection_id=step.record.connection_id,
            candidates=[before.candidate],
        )
    return False
