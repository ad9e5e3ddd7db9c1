"""What keeps a whole connection from erasing: one row while it lasts, and one step that probes.

A vendor that is down for a day must not fail five thousand steps, and a credential that lost a
permission must not be refused five thousand times. So its steps wait as they are; one of them
goes first, and when it comes through, all do.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.connectors.models import Connection
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Missing
from apps.erasure import events, taxonomy, waits
from apps.erasure.models import Obstacle

#: A trouble that passes by itself is told of when it did not pass at once.
TOLD_AFTER: Final = 3


@transaction.atomic
def meet(*, actor: Actor, connection_id: UUID, code: str, writing: bool = False) -> None:
    """The connection cannot go on for this reason. `writing`: readings still work."""
    Connection.objects.select_for_update(no_key=True).get(pk=connection_id)
    row = Obstacle.objects.filter(connection_id=connection_id).first()
    if row is None or row.code != code:
        row = row or Obstacle(
            controller_id=scope.current(), connection_id=connection_id, since=clock.now()
        )
        row.code, row.told = code, False
    row.tries, row.writing = row.tries + 1, writing
    row.look_again_at = clock.now() + waits.backoff(row.tries)
    if not row.told and (taxonomy.kind(code) == "blocked" or row.tries >= TOLD_AFTER):
        row.told = True
        audit.record(
            events.BLOCKED, actor=actor, object_id=connection_id, codes={"code": _named(code)}
        )
    row.save()


def overcome(*, actor: Actor, connection_id: UUID, writing: bool) -> None:
    """Something came through: a reading, or (`writing`) a call with an effect."""
    if not Obstacle.objects.filter(connection_id=connection_id).exists():
        return
    with transaction.atomic():
        row = Obstacle.objects.select_for_update().filter(connection_id=connection_id).first()
        if row is None or (row.writing and not writing):
            return
        if row.told:
            audit.record(events.UNBLOCKED, actor=actor, object_id=connection_id)
        row.delete()


@transaction.atomic
def look_again(*, actor: Actor, connection_id: UUID) -> None:
    """Somebody mended it: try at once. Raises Refused; Missing when nothing is in the way."""
    require_role(actor, Role.RECOPS, Role.DPO)
    rows = Obstacle.objects.filter(connection_id=connection_id)
    if not rows.update(look_again_at=clock.now()):
        raise Missing("obstacle", _("Nothing is in the way of this connection any more."))
    audit.record(events.LOOKED_AGAIN, actor=actor, object_id=connection_id)


def of(connection_id: UUID) -> Obstacle | None:
    found: Obstacle | None = Obstacle.objects.filter(connection_id=connection_id).first()
    return found


def standing() -> QuerySet[Obstacle]:
    """Those of the scope that last, the oldest first: not what passes at once."""
    return Obstacle.objects.filter(told=True).select_related("connection").order_by("since")


def in_the_way() -> Q:
    """Of steps: their connection is not to be tried yet. What was sent is read all the same while
    only calls are refused."""
    waiting = Obstacle.objects.filter(look_again_at__gt=clock.now())
    everything = waiting.filter(writing=False).values("connection_id")
    calls = waiting.filter(writing=True).values("connection_id")
    return Q(plan__connection_id__in=everything) | Q(
        plan__connection_id__in=calls, state__in=("planned", "claimed")
    )


def _named(code: str) -> str:
    return code if code in events.OBSTACLES else "other"
