"""What commands for one legal entity share: its id, checked, and its scope."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from apps.controllers import selectors
from apps.core import scope
from apps.core.management.operating import OperatorCommand


class ScopedCommand(OperatorCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--controller",
            type=UUID,
            required=True,
            metavar="ID",
            help="the legal entity's id, as list_controllers prints it",
        )

    def act(self, **options: Any) -> None:
        controller = selectors.get(options["controller"])
        with scope.enter(controller.pk):
            self.act_within(**options)

    def act_within(self, **options: Any) -> None:
        raise NotImplementedError
