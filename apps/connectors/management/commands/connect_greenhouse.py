"""Connect a Greenhouse account: tried first, kept only when everything it needs is there."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.connectors import services
from apps.connectors.greenhouse import adapter
from apps.connectors.management import secret_input
from apps.connectors.models import Connection, Vendor
from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM


class Command(ScopedCommand):
    help = "Connect a Greenhouse account (Harvest v3), and print the connection's id."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="as people will see it")
        secret_input.add_argument(
            parser, names="client_id, client_secret, sub, and webhook_secret if there is one"
        )
        parser.add_argument("--base-url", default="", help=f"{adapter.BASE_URL} by default")
        parser.add_argument("--auth-url", default="", help=f"{adapter.AUTH_URL} by default")
        parser.add_argument(
            "--action",
            default=Connection.Action.ANONYMIZE.value,
            choices=Connection.Action.values,
            help="what erasing means in this account; anonymize by default",
        )
        parser.add_argument(
            "--country", default="", help="of the establishment where Greenhouse does not say"
        )
        parser.add_argument(
            "--pool-tag",
            action="append",
            default=[],
            dest="pool_tags",
            help="a tag that means talent pool; once for each",
        )

    def act_within(self, **options: Any) -> None:
        connection = services.connect(
            actor=SYSTEM,
            name=options["name"],
            vendor=Vendor.GREENHOUSE,
            credentials=secret_input.read(options["credentials"]),
            base_url=options["base_url"],
            auth_url=options["auth_url"],
            action=options["action"],
            country=options["country"],
            pool_tags=options["pool_tags"],
        )
        self.stdout.write(str(connection.pk))
