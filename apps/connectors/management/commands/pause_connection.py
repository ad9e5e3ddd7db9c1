"""Stop reading and erasing through a connection until it is resumed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.connectors import services
from apps.connectors.management.connected import ConnectionCommand
from apps.core.actors import SYSTEM


class Command(ConnectionCommand):
    help = "Pause a connection: no sync and no new step until it is resumed."

    def act_on(self, connection_id: UUID, **options: Any) -> None:
        services.pause(actor=SYSTEM, connection_id=connection_id)
        self.stdout.write(str(connection_id))
