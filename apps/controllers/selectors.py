"""Reads of this room."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core import scope
from apps.core.errors import Missing


def ids() -> list[UUID]:
    """Every controller of the installation, for ticks that walk them one at a time."""
    return list(Controller.objects.order_by("pk").values_list("pk", flat=True))


def current() -> Controller:
    """The controller in scope."""
    return Controller.objects.get(pk=scope.current())


def get(controller_id: UUID) -> Controller:
    """A controller by its id. Raises Missing."""
    found = Controller.objects.filter(pk=controller_id).first()
    if found is None:
        raise Missing("controller", _("There is no such legal entity."), field="controller")
    return found
