"""The legal entities of this installation."""

from __future__ import annotations

from typing import Any

from apps.controllers import selectors
from apps.core.management.operating import OperatorCommand


class Command(OperatorCommand):
    help = "List the legal entities: id, country, time zone, name."

    def act(self, **options: Any) -> None:
        for controller in map(selectors.get, selectors.ids()):
            self.stdout.write(
                f"{controller.pk}  {controller.country}  {controller.time_zone}  {controller.name}"
            )
