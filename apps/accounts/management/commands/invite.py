"""Give a person an account, a first password and roles for one legal entity."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction

from apps.accounts import services
from apps.accounts.management import passwords
from apps.accounts.models import Role
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = (
        "Invite a person into a legal entity, and print their id. The first password is asked "
        "for at a terminal, or read from the first line of stdin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            choices=Role.values,
            dest="roles",
            help="once for each",
        )
        parser.add_argument(
            "--language", default="fr", choices=[code for code, _name in settings.LANGUAGES]
        )

    def act_within(self, **options: Any) -> None:
        email, name = options["email"], options["name"]
        password = passwords.ask(email=email, name=name)
        with transaction.atomic():
            user = services.invite(
                actor=SYSTEM,
                email=email,
                name=name,
                language=options["language"],
                password=password,
            )
            for role in options["roles"]:
                services.grant(actor=SYSTEM, user_id=user.pk, role=role)
        self.stdout.write(str(user.pk))
