"""What happens to people in these tests, in the words of the services."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from apps.connectors.models import Connection
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate
from apps.core.actors import SYSTEM
from apps.subjects import intake, shredding
from apps.subjects.models import Record


def take(connection: Connection, *candidates: RemoteCandidate) -> intake.Taken:
    return intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=candidates)


def erase(record: Record) -> None:
    """What erasure does once a record was read back clean."""
    shredding.bury(actor=SYSTEM, record_ids=[record.pk])
    with transaction.atomic():
        shredding.entomb(actor=SYSTEM, record_ids=[record.pk])
    shredding.finish_shredding(actor=SYSTEM)


def living() -> Record:
    """The one record that was not erased."""
    return Record.objects.exclude(state=Record.State.ERASED).get()


def applied(at: datetime | None = None, remote_id: str = "9900") -> RemoteApplication:
    """An application made now, or then."""
    when = Dated(at or datetime.now(UTC), "exact")
    return RemoteApplication(
        remote_id=remote_id, state="open", job="77", country="FR", applied=when
    )
