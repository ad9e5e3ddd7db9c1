"""Reading a batch of steps from the ATS, so that one bad record is only its own trouble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.db import InterfaceError, OperationalError

from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector, Snapshot
from apps.core.actors import Actor
from apps.core.errors import Unavailable
from apps.erasure import claims, obstacles, troubles
from apps.erasure.models import Step
from apps.erasure.taxonomy import is_worn
from apps.subjects import selectors as subjects


@dataclass(frozen=True, slots=True)
class Read:
    """What the ATS shows of these steps now; none of them when it could not be read."""

    steps: tuple[Step, ...] = ()
    remote: Mapping[UUID, str] = field(default_factory=dict, repr=False)
    found: Mapping[str, Snapshot] = field(default_factory=dict, repr=False)

    def of(self, step: Step) -> Snapshot | None:
        """None when we no longer know under which id the record is there."""
        remote_id = self.remote.get(step.record_id)
        return None if remote_id is None else self.found[remote_id]


def read(*, actor: Actor, adapter: Connector, steps: list[Step]) -> Read:
    """Ask the ATS about all of them together; what cannot be read is dealt with (troubles.py)."""
    left = [step for step in steps if not _set_aside(actor, step)]
    if not left:
        return Read()
    remote = subjects.remote_ids([step.record_id for step in left])
    try:
        found = adapter.export(sorted(remote.values())) if remote else {}
    except ConnectorError as error:
        troubles.met(actor=actor, adapter=adapter, steps=left, error=error)
        return Read()
    connection_id = left[0].plan.connection_id
    obstacles.overcome(actor=actor, connection_id=connection_id, writing=False)
    return Read(tuple(left), remote, found)


def _set_aside(actor: Actor, step: Step) -> bool:
    """Workers that died with a step count as its errors: nobody was left to count them."""
    worn = is_worn(troubles.SET_ASIDE, step.errors)
    return worn and troubles.set_aside(actor=actor, step=step, code=troubles.SET_ASIDE)


@contextmanager
def alone(actor: Actor, step: Step) -> Iterator[None]:
    """Whatever goes wrong with one step is its own trouble. What everybody shares (the database,
    a key, the limiter) is not: it ends the batch, whose steps keep their lease until it is over."""
    before = step.errors
    try:
        yield
    except (OperationalError, InterfaceError, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001 - a bug must not become everybody's trouble
        troubles.unexpected(actor=actor, step=step, error=error)
    else:
        if before and step.errors == before:
            claims.mine(step).update(errors=0)
