"""Write one line of the record of processing activities (art. 30)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.controllers import services
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = "Register a processing activity of a legal entity (art. 30), and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="such as Recruitment")
        parser.add_argument("--purpose", required=True, help="such as dpv:RecruitmentManagement")
        parser.add_argument(
            "--legal-basis", required=True, help="such as eu-gdpr:A6-1-f-controller"
        )
        parser.add_argument(
            "--recipient",
            action="append",
            required=True,
            dest="recipients",
            help="a category of recipients, in words; once for each",
        )

    def act_within(self, **options: Any) -> None:
        activity = services.register_activity(
            actor=SYSTEM,
            name=options["name"],
            purpose=options["purpose"],
            legal_basis=options["legal_basis"],
            recipients=options["recipients"],
        )
        self.stdout.write(str(activity.pk))
