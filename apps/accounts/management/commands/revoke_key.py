"""Revoke a machine's key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from apps.accounts import services
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = "Revoke an API key: its next request is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", type=UUID, help="the key's id, as list_keys prints it")

    def act_within(self, **options: Any) -> None:
        services.revoke_key(actor=SYSTEM, key_id=options["key"])
        self.stdout.write(str(options["key"]))
