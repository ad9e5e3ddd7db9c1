"""Claiming steps: the row is the queue, its attempt the fencing token.

A claim gives a lease. A worker that dies loses it and another takes the step with a higher
attempt; the first one, should it wake, finds that its attempt is not the row's and writes
nothing. `planned` and `claimed` steps have had no effect; a `sent` step may have had one, so it
is only ever read, and sent again only after a read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.connectors.models import Connection
from apps.core import clock
from apps.core.actors import Actor
from apps.erasure import gates
from apps.erasure.models import Plan, Step

BATCH = 50


def lease() -> timedelta:
    """How long a claimed step is left alone: longer than a batch takes at the ATS's limit."""
    return timedelta(seconds=settings.LETHE_LEASE_SECONDS)


def claim(*, actor: Actor, connection_id: UUID, states: Sequence[str]) -> list[Step]:
    """Up to one batch of runnable steps of a connection in these states, now ours."""
    now = clock.now()
    with transaction.atomic():
        ids = list(
            _runnable(now, states)
            .filter(plan__connection_id=connection_id)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("pk")
            .values_list("pk", flat=True)[:BATCH]
        )
        # Their plan may have been called back between finding and locking them: ask again, now
        # that a call-back has to wait for us.
        ids = list(_runnable(now, states).filter(pk__in=ids).values_list("pk", flat=True))
        Step.objects.filter(pk__in=ids).update(attempt=F("attempt") + 1, lease_until=now + lease())
        Step.objects.filter(pk__in=ids, state=Step.State.PLANNED).update(state=Step.State.CLAIMED)
    rows = Step.objects.filter(pk__in=ids).select_related(
        "plan__connection", "record__connection", "record__subject"
    )
    return list(rows.order_by("pk"))


def waiting() -> list[UUID]:
    """Connections of the scope with a step that can be taken now."""
    rows = _runnable(clock.now(), (Step.State.PLANNED, Step.State.CLAIMED, Step.State.SENT))
    return sorted(set(rows.values_list("plan__connection_id", flat=True)))


def _runnable(now: datetime, states: Sequence[str]) -> QuerySet[Step]:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    # A pause stops new effects at once; what was sent is still read back.
    stopped = Q(plan__connection__state=Connection.State.PAUSED)
    if asleep := gates.closed():
        stopped |= Q(plan__connection_id__in=asleep)
    going = ~stopped | Q(state=Step.State.SENT)
    return Step.objects.filter(
        free,
        ready,
        going,
        state__in=states,
        plan__state=Plan.State.APPROVED,
        plan__grace_until__lte=now,
    )


def mine(step: Step) -> QuerySet[Step]:
    """The row, while this attempt still holds it: every write of a step goes through here."""
    return Step.objects.filter(pk=step.pk, attempt=step.attempt)


def held(step: Step) -> QuerySet[Step]:
    """The row, while this attempt holds it and its lease still runs."""
    return mine(step).filter(lease_until__gt=clock.now())


def is_paused(step: Step) -> bool:
    """Whether nothing new may be sent by now: since the step was claimed, somebody paused the
    connection or its hours were over."""
    rows = Connection.objects.filter(pk=step.plan.connection_id)
    paused = rows.filter(state=Connection.State.PAUSED).exists()
    return paused or step.plan.connection_id in gates.closed()


def let_go(step: Step, *, wait: timedelta, code: str = "") -> None:
    """Give the step back, to be looked at again after `wait`."""
    state = Step.State.PLANNED if step.state == Step.State.CLAIMED else step.state
    mine(step).update(state=state, lease_until=None, not_before=clock.now() + wait, code=code)
