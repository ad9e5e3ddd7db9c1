"""Ticks of this room. Ids or nothing; the work is in the services."""

from celery import shared_task

from apps.controllers import selectors as controllers
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.outbox import services


@shared_task
def deliver_due() -> None:
    for _ in scope.each(controllers.ids()):
        services.deliver(actor=SYSTEM)
