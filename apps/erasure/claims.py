"""Claiming steps: the row is the queue, its attempt the fencing token.

A claim gives a lease. A worker that dies loses it and another takes the step with a higher
attempt; the first one, should it wake, finds that its attempt is not the row's and writes
nothing. `planned` and `claimed` steps have had no effect; a `sent` step may have had one, so it
is only ever read, and sent again only after a read.

A step that failed, or whose worker died with it, is taken alone and after the others: whatever is
wrong with it keeps nobody waiting. Of a connection that cannot go on, one step probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.erasure import gates, obstacles
from apps.erasure.models import Plan, Step

BATCH = 50


def lease() -> timedelta:
    """How long a claimed step is left alone: longer than a batch takes at the ATS's limit."""
    return timedelta(seconds=settings.LETHE_LEASE_SECONDS)


def claim(*, actor: Actor, connection_id: UUID, states: Sequence[str]) -> list[Step]:
    """Up to one batch of runnable steps of a connection in these states, now ours."""
    now = clock.now()
    with transaction.atomic():
        ids = _first(connection_id, _runnable(now, states))
        # Their plan may have been called back between finding and locking them: ask again, now
        # that a call-back has to wait for us.
        ids = list(_runnable(now, states).filter(pk__in=ids).values_list("pk", flat=True))
        died = Case(When(lease_until__isnull=False, then=Value(1)), default=Value(0))
        Step.objects.filter(pk__in=ids).update(
            errors=F("errors") + died, attempt=F("attempt") + 1, lease_until=now + lease()
        )
        Step.objects.filter(pk__in=ids, state=Step.State.PLANNED).update(state=Step.State.CLAIMED)
    rows = Step.objects.filter(pk__in=ids).select_related(
        "plan__connection", "record__connection", "record__subject"
    )
    return list(rows.order_by("pk"))


def _first(connection_id: UUID, runnable: QuerySet[Step]) -> list[UUID]:
    """The next steps to take, locked: a batch of those that have no trouble, or one that has."""
    most = BATCH if obstacles.of(connection_id) is None else 1
    rows = list(
        runnable.filter(plan__connection_id=connection_id)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by(Case(When(lease_until=None, then="errors"), default=F("errors") + 1), "pk")
        .values_list("pk", "errors", "lease_until")[:most]
    )
    whole = [pk for pk, errors, lease_until in rows if not errors and lease_until is None]
    return whole or [pk for pk, _errors, _lease in rows[:1]]


def waiting() -> list[UUID]:
    """Connections of the scope with a step that can be taken now."""
    rows = _runnable(clock.now(), (Step.State.PLANNED, Step.State.CLAIMED, Step.State.SENT))
    return sorted(set(rows.values_list("plan__connection_id", flat=True)))


def _runnable(now: datetime, states: Sequence[str]) -> QuerySet[Step]:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    # A pause stops new effects at once; what was sent is still read back.
    stopped = Q(plan__connection__state=Connection.State.PAUSED)
    if not controllers.current().erases:
        stopped = Q(pk__isnull=False)
    if asleep := gates.closed():
        stopped |= Q(plan__connection_id__in=asleep)
    going = ~stopped | Q(state=Step.State.SENT)
    return Step.objects.filter(
        free,
        ready,
        going,
        ~obstacles.in_the_way(),
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


def working(step: Step) -> QuerySet[Step]:
    """The row, while this attempt prepares it, or a person has it."""
    prepared = Q(state=Step.State.CLAIMED, lease_until__gt=clock.now())
    return mine(step).filter(prepared | Q(state=Step.State.BY_HAND))


def is_paused(step: Step) -> bool:
    """Whether nothing new may be sent by now: since the step was claimed, somebody paused the
    connection or its hours were over."""
    rows = Connection.objects.filter(pk=step.plan.connection_id)
    paused = rows.filter(state=Connection.State.PAUSED).exists()
    return paused or not controllers.current().erases or step.plan.connection_id in gates.closed()


def is_settled(step: Step) -> bool:
    """The time a slow ATS may take is over; and, for a call that never answered, the time in
    which it may still be on its way."""
    if step.sent_at is None:
        return False
    wait = timedelta(seconds=step.plan.connection.settle_seconds)
    if not step.request_id:
        wait = max(wait, lease())
    return clock.now() >= step.sent_at + wait


def let_go(step: Step, *, wait: timedelta, code: str = "") -> None:
    """Give the step back, to be looked at again after `wait`."""
    state = Step.State.PLANNED if step.state == Step.State.CLAIMED else step.state
    mine(step).update(state=state, lease_until=None, not_before=clock.now() + wait, code=code)


def release(steps: Sequence[Step]) -> None:
    """Give back at once what of these is still ours: nothing is wrong with them."""
    for step in steps:
        rows = mine(step).filter(lease_until__isnull=False)
        rows.filter(state=Step.State.CLAIMED).update(state=Step.State.PLANNED)
        rows.update(lease_until=None)
