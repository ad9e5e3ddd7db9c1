"""What commands about one connection share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from apps.controllers.management.scoped import ScopedCommand


class ConnectionCommand(ScopedCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "connection", type=UUID, help="the connection's id, as list_connections prints it"
        )

    def act_within(self, **options: Any) -> None:
        self.act_on(options["connection"], **options)

    def act_on(self, connection_id: UUID, **options: Any) -> None:
        raise NotImplementedError
