"""The connections of a legal entity and their health."""

from __future__ import annotations

from typing import Any

from apps.connectors import selectors
from apps.connectors.models import Connection
from apps.controllers.management.scoped import ScopedCommand


class Command(ScopedCommand):
    help = "List connections: id, ATS, state with its cause, last complete reading (UTC), name."

    def act_within(self, **options: Any) -> None:
        for connection in selectors.connections():
            self.stdout.write(_line(connection))


def _line(connection: Connection) -> str:
    state = f"{connection.state} {connection.failure}".strip()
    read = f"{connection.synced_at:%Y-%m-%dT%H:%MZ}" if connection.synced_at else "-"
    return f"{connection.pk}  {connection.vendor}  {state}  {read}  {connection.name}"
