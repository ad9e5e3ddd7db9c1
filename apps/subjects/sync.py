"""Sync: read what changed in an ATS page by page, each page taken in one transaction.

HTTP happens outside any transaction. The cursor is stored with the page it follows, so a
killed worker repeats at most one page, and repeating changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.connectors import selectors as connectors
from apps.connectors import services as connections
from apps.connectors.errors import ConnectorError
from apps.connectors.models import Connection
from apps.connectors.port import Connector, Page
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, DomainError
from apps.core.locks import only_one
from apps.subjects import intake, selectors, services
from apps.subjects.models import Record

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SyncResult:
    pages: int = 0
    created: int = 0
    changed: int = 0
    #: Another worker is syncing this connection.
    busy: bool = False
    #: Stable code of the failure, or empty.
    failure: str = ""


def sync(*, actor: Actor, connection_id: UUID) -> SyncResult:
    """Bring one connection up to date. A failure is kept on the connection, with its code."""
    with only_one(f"sync/{connection_id}") as mine:
        if not mine:
            return SyncResult(busy=True)
        try:
            return _sync(actor, Connection.objects.get(pk=connection_id))
        except ConnectorError as error:
            connections.note_failure(actor=actor, connection_id=connection_id, code=error.code)
            return SyncResult(failure=error.code)
        except DomainError as error:
            # Ours, not the ATS's (a key, a page that moved): the next tick tries again, and
            # the other connections are not kept waiting.
            logger.warning("connection %s cannot sync: %s", connection_id, error.code)
            return SyncResult(failure=error.code)


def due(*, every: timedelta = EVERY) -> list[UUID]:
    """Connections of the scope that were not synced for a while, or of which an event came."""
    waiting = Q(synced_at=None) | Q(synced_at__lt=clock.now() - every)
    waiting |= Q(pk__in=connectors.with_news().values("pk"))
    rows = Connection.objects.filter(waiting).exclude(state=Connection.State.PAUSED)
    return [row.pk for row in rows if connections.adapter(row).capabilities.reads_changes]


def _sync(actor: Actor, connection: Connection) -> SyncResult:
    started = clock.now()
    adapter = connections.adapter(connection)
    pages = created = changed = 0
    since = connection.cursor
    for page in adapter.changes(since):
        taken = _take(actor, connection, adapter, page, since)
        since = page.cursor
        pages, created = pages + 1, created + taken.created
        changed += taken.changed + taken.resurrected
    _follow_disappearances(actor, connection, adapter)
    connections.note_synced(actor=actor, connection_id=connection.pk, at=started)
    return SyncResult(pages, created, changed)


def _take(
    actor: Actor, connection: Connection, adapter: Connector, page: Page, since: str
) -> intake.Taken:
    """Take a page; once more when a record on it was erased or changed in that very moment.

    A page is read ahead of its taking and may be older than an erasure: whoever it shows again
    is fetched first.
    """
    values: dict[str, Any] = {"candidates": page.candidates, "cursor": page.cursor, "since": since}
    values |= {"connection_id": connection.pk, "fetch": adapter.fetch}
    try:
        return intake.take(actor=actor, **values)
    except Conflict:
        return intake.take(actor=actor, **values)


def _follow_disappearances(actor: Actor, connection: Connection, adapter: Connector) -> None:
    """A deletion or a merge is announced by an event only: look, then believe."""
    digests = connectors.disappeared(connection.pk, since=connection.synced_at)
    rows = Record.objects.filter(
        connection=connection, remote_digest__in=digests, state=Record.State.PRESENT
    )
    remote = selectors.remote_ids([row.pk for row in rows])
    present = adapter.fetch(list(remote.values())) if remote else {}
    gone = [pk for pk, remote_id in remote.items() if remote_id not in present]
    services.mark_gone(actor=actor, record_ids=gone)
