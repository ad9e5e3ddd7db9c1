"""Ticks of this room. Ids or nothing; the work is in the services."""

from celery import shared_task

from apps.controllers import selectors as controllers
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import shredding, sync


@shared_task
def sync_due() -> None:
    for _ in scope.each(controllers.ids()):
        for connection_id in sync.due():
            sync.sync(actor=SYSTEM, connection_id=connection_id)


@shared_task
def finish_shredding() -> None:
    for _ in scope.each(controllers.ids()):
        shredding.finish_shredding(actor=SYSTEM)


@shared_task
def end_due_epochs() -> None:
    for _ in scope.each(controllers.ids()):
        shredding.end_due_epoch(actor=SYSTEM)


@shared_task
def expire_tombstones() -> None:
    for _ in scope.each(controllers.ids()):
        shredding.expire_tombstones(actor=SYSTEM)
