"""Issue a machine's key for the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from apps.accounts import services
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = "Issue an API key. The last line is its secret, shown once; only a digest is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="which machine it is for")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            dest="scopes",
            help="once for each: " + ", ".join(services.SCOPES),
        )

    def act_within(self, **options: Any) -> None:
        key, secret = services.issue_key(
            actor=SYSTEM, name=options["name"], scopes=options["scopes"]
        )
        facts = {"id": key.pk, "until": f"{key.expires_at:%Y-%m-%d}"}
        self.stdout.write(
            _("Key %(id)s, valid until %(until)s. Its secret is shown only now:") % facts
        )
        self.stdout.write(secret)
