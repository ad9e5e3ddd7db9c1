"""Ticks of this room. Ids or nothing; the work is in the services."""

from celery import shared_task
from django.conf import settings

from apps.controllers import selectors as controllers
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.erasure import archives, copies, running


@shared_task
def advance_due() -> None:
    for _ in scope.each(controllers.ids()):
        running.advance_all(actor=SYSTEM)


@shared_task
def propose_due() -> None:
    for _ in scope.each(controllers.ids()):
        running.propose_routine(actor=SYSTEM)


@shared_task
def expire_copies() -> None:
    if settings.LETHE_COPY_KEYS_DIR:
        copies.expire(actor=SYSTEM)


@shared_task
def dispose_archives() -> None:
    for _ in scope.each(controllers.ids()):
        archives.dispose_ended(actor=SYSTEM)
