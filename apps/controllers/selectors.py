"""Reads of this room."""

from __future__ import annotations

from uuid import UUID

from apps.controllers.models import Controller
from apps.core import scope


def ids() -> list[UUID]:
    """Every controller of the installation, for ticks that walk them one at a time."""
    return list(Controller.objects.order_by("pk").values_list("pk", flat=True))


def current() -> Controller:
    """The controller in scope."""
    return Controller.objects.get(pk=scope.current())
