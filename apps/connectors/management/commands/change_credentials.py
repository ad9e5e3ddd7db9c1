"""Give a connection new credentials: tried first, and only for the same account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from apps.connectors import services
from apps.connectors.management import secret_input
from apps.connectors.management.connected import ConnectionCommand
from apps.core.actors import SYSTEM


class Command(ConnectionCommand):
    help = "Change a connection's credentials. They must open the account it has been reading."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        secret_input.add_argument(parser, names="the values that change; others stay as they are")

    def act_on(self, connection_id: UUID, **options: Any) -> None:
        services.change(
            actor=SYSTEM,
            connection_id=connection_id,
            values={},
            credentials=secret_input.read(options["credentials"]),
        )
        self.stdout.write(str(connection_id))
