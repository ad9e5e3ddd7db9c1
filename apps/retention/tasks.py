"""Ticks of this room. Ids or nothing; the work is in the services."""

from celery import shared_task

from apps.controllers import selectors as controllers
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import services, warnings


@shared_task
def refresh_due() -> None:
    for _ in scope.each(controllers.ids()):
        services.supersede(actor=SYSTEM)
        while services.refresh(actor=SYSTEM):
            pass


@shared_task
def warn_due() -> None:
    for _ in scope.each(controllers.ids()):
        while warnings.queue(actor=SYSTEM) == warnings.BATCH:
            pass
