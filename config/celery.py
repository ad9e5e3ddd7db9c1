"""The Celery application and the whole beat table.

Ticks ring, tables decide: a task takes ids or nothing, claims rows under a lease, and may be
lost or delivered twice without harm. Every tick expires when the next one is due, so that a
worker that was away finds one of each and not a pile.

    celery -A config worker -B --without-gossip --without-mingle --without-heartbeat
"""

import os
from collections.abc import Mapping
from typing import Any, Final

from celery import Celery, Task, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.utils.module_loading import import_string

from config import broker

#: task → seconds between two rings.
TICKS: Final[Mapping[str, int]] = {
    "audit.integrate": 1,
    "apps.erasure.tasks.advance_due": 2,
    "apps.retention.tasks.refresh_due": 5,
    "apps.subjects.tasks.sync_due": 30,
    "apps.retention.tasks.warn_due": 3600,
    "apps.outbox.tasks.deliver_due": 30,
    "apps.erasure.tasks.propose_due": 3600,
    "apps.erasure.tasks.dispose_archives": 3600,
    "apps.erasure.tasks.expire_copies": 3600,
    "apps.subjects.tasks.finish_shredding": 60,
    # Epochs end by the day. Rung by the hour all the same: beat counts from its start, so that
    # a worker restarted every night would never come to the end of a day.
    "apps.subjects.tasks.end_due_epochs": 3600,
    "apps.subjects.tasks.expire_tombstones": 3600,
}


def _tick(task: str, seconds: int) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


BROKER: Final = broker.read(settings.BROKER_URL)
# The command `celery` takes BROKER_URL from the environment for itself, as kombu reads URLs, and
# lets it win over the configuration: give it the one that was read here.
os.environ["CELERY_BROKER_URL"] = BROKER.url


class Tick(Task):
    """A tick of a restored service does nothing until it was replayed (config.restored)."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # By name, as Celery names its classes: Django is not set up while this module is read.
        if not import_string("config.restored.is_whole")():
            return None
        return super().__call__(*arguments, **options)


app = Celery("lethe", task_cls=Tick)
app.conf.update(
    broker_url=BROKER.url,
    broker_transport_options=dict(BROKER.options),
    broker_connection_retry_on_startup=True,
    beat_schedule={task: _tick(task, seconds) for task, seconds in TICKS.items()},
    # The table is in this file and restarts lose nothing: no schedule file on disk.
    beat_scheduler="celery.beat.Scheduler",
    beat_max_loop_interval=1,
    # A message is acknowledged when the work is done: a killed worker leaves it in the queue.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Outcomes are rows; a result backend would be a second, unwatched copy.
    task_ignore_result=True,
    task_default_queue="lethe",
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    worker_prefetch_multiplier=4,
    # Remote control needs a reply queue per process, which pgmq cannot name.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    # Django's LOGGING redacts people; Celery's own handlers would not.
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def _install_broker(**_: Any) -> None:
    broker.install(BROKER)
