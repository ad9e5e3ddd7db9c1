"""Reads of this room; all inside a scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from apps.connectors.models import Connection, VendorEvent
from apps.keys import services as keys

#: After these the id is gone: deleted, or merged into another that lives on.
_GONE = ("delete_candidate", "merge_candidate")
_ANONYMIZED = "candidate_anonymized"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the vendor's own events say it anonymized of one candidate."""

    fields: frozenset[str]
    events: int
    last_at: datetime | None


def connections() -> QuerySet[Connection]:
    return Connection.objects.order_by("name")


def remote_digest(connection_id: UUID, remote_id: str) -> bytes:
    """How a remote id is known here: keyed, and per connection, as two accounts may use the
    same number for two people."""
    return keys.digest("remote_id", f"{connection_id}/{remote_id}")


def link(connection: Connection, remote_id: str) -> str:
    """Where a person finds that file in the ATS; empty when nobody said."""
    return connection.candidate_url.replace("{id}", quote(remote_id, safe=""))


def events_for(
    connection_id: UUID, digest: bytes, since: datetime | None = None
) -> QuerySet[VendorEvent]:
    """Events about one candidate, oldest first. `digest` is a record's `remote_digest`."""
    rows = VendorEvent.objects.filter(connection_id=connection_id, remote_digest=digest)
    rows = rows if since is None else rows.filter(received_at__gte=since)
    return rows.order_by("received_at", "pk")


def confirmed(connection_id: UUID, digest: bytes, since: datetime) -> Confirmation:
    """The fields named by `candidate_anonymized` events since an instant (of this database)."""
    rows = list(events_for(connection_id, digest, since).filter(action=_ANONYMIZED))
    fields = frozenset(field for row in rows for field in row.fields)
    return Confirmation(fields, len(rows), rows[-1].received_at if rows else None)


def with_news() -> QuerySet[Connection]:
    """Connections of which an event came since they were last read, other than the echo of an
    anonymization."""
    events = VendorEvent.objects.filter(
        connection=OuterRef("pk"), received_at__gt=OuterRef("synced_at")
    )
    return Connection.objects.filter(Exists(events.exclude(action=_ANONYMIZED)))


def disappeared(connection_id: UUID, since: datetime | None) -> list[bytes]:
    """Remote digests the vendor said are deleted or merged since an instant (None: ever)."""
    rows = VendorEvent.objects.filter(connection_id=connection_id, action__in=_GONE)
    rows = rows if since is None else rows.filter(received_at__gte=since)
    return [bytes(digest) for digest in rows.values_list("remote_digest", flat=True)]
