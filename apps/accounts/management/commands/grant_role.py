"""Give a person who has an account a role for a legal entity."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.accounts import selectors, services
from apps.accounts.models import Role
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = "Give somebody who was invited before a role for a legal entity."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--role", required=True, choices=Role.values)

    def act_within(self, **options: Any) -> None:
        user = selectors.user(options["email"])
        services.grant(actor=SYSTEM, user_id=user.pk, role=options["role"])
        self.stdout.write(f"{user.pk}  {options['role']}")
