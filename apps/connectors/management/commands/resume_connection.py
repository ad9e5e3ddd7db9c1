"""Read and erase through a paused connection again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.connectors import services
from apps.connectors.management.connected import ConnectionCommand
from apps.core.actors import SYSTEM


class Command(ConnectionCommand):
    help = "Resume a paused connection."

    def act_on(self, connection_id: UUID, **options: Any) -> None:
        services.resume(actor=SYSTEM, connection_id=connection_id)
        self.stdout.write(str(connection_id))
