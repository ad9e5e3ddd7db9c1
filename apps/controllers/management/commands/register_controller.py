"""Register a legal entity and open its ledger."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.controllers import services
from apps.core.actors import SYSTEM
from apps.core.management.operating import OperatorCommand


class Command(OperatorCommand):
    help = "Register a legal entity with its ledger, and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="as in the trade register")
        parser.add_argument("--country", required=True, help="of establishment, such as FR")
        parser.add_argument("--time-zone", required=True, help="such as Europe/Paris")
        parser.add_argument("--dpo-name", required=True, help="the data protection officer")
        parser.add_argument("--dpo-email", required=True, help="where candidates reach the DPO")

    def act(self, **options: Any) -> None:
        controller = services.register(
            actor=SYSTEM,
            name=options["name"],
            country=options["country"],
            time_zone=options["time_zone"],
            dpo_name=options["dpo_name"],
            dpo_email=options["dpo_email"],
        )
        self.stdout.write(str(controller.pk))
