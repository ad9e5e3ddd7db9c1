import pytest
from celery import Celery

from config import broker
from config.celery import TICKS, app


@pytest.fixture(scope="module")
def application() -> Celery:
    app.loader.import_default_modules()
    return app


def test_every_tick_rings_a_task_that_exists(application: Celery) -> None:
    assert set(TICKS) <= set(application.tasks)


def test_a_tick_expires_when_the_next_is_due(application: Celery) -> None:
    for entry in application.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_no_task_lives_longer_than_its_message_stays_hidden(application: Celery) -> None:
    assert broker.VISIBILITY >= 600
    assert application.conf.task_acks_late
    assert application.conf.task_reject_on_worker_lost


def test_nothing_but_json_travels_and_no_result_is_kept(application: Celery) -> None:
    assert application.conf.accept_content == ["json"]
    assert application.conf.task_ignore_result
    assert application.conf.result_backend is None
