"""A ledger with many entries, written through the public services: set-up of two rows."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.audit import services as audit
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.subjects import events

_AT_ONCE = 20_000


def stage_entries(controller: UUID, count: int) -> None:
    """As the end of a plan does: one entry for each record."""
    left = count
    with scope.enter(controller):
        while left:
            some = min(left, _AT_ONCE)
            with transaction.atomic():
                audit.record_each(
                    events.RECORD_ENTOMBED,
                    actor=SYSTEM,
                    object_ids=[new_id() for _ in range(some)],
                    refs={"subject": new_id()},
                )
            left -= some
