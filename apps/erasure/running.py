"""Walking what can be done now: every connection of the scope, batch after batch."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from apps.connectors.errors import ConnectorError
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.erasure import archiving, certificates, claims, execution, obstacles, planning

logger = logging.getLogger(__name__)

#: A tick works this long at most, then the next one goes on.
BUDGET = timedelta(seconds=20)


def advance_all(*, actor: Actor) -> int:
    """Take every runnable step of the scope as far as it goes. Returns how many moved."""
    stop = clock.now() + BUDGET
    moved, broken = 0, set[UUID]()
    while (waiting := set(claims.waiting()) - broken) and clock.now() < stop:
        for connection_id in sorted(waiting):
            try:
                moved += execution.advance(actor=actor, connection_id=connection_id)
            except (ConnectorError, DomainError) as error:
                # One connection that cannot work must not keep the others waiting.
                logger.warning("connection %s cannot advance: %s", connection_id, error.code)
                obstacles.meet(actor=actor, connection_id=connection_id, code=error.code)
                broken.add(connection_id)
    archiving.finish_discarding(actor=actor)
    certificates.finish(actor=actor)
    return moved


def propose_routine(*, actor: Actor) -> int:
    """What a RecOps person should not have to remember: plans for what became due."""
    as_of = clock.today(controllers.current().time_zone)
    return len(planning.propose(actor=actor, as_of=as_of))
