"""Keys: two workers at the same person, each with a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections, transaction

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.errors import Missing
from apps.core.ids import new_id
from apps.keys import ending, selectors
from apps.keys import services as keys
from apps.keys.models import Journal

pytestmark = pytest.mark.django_db(transaction=True)

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"


def _elsewhere(controller_id: UUID, work: Callable[[], object]) -> object:
    """Another worker: its own scope and its own connections."""
    try:
        with scope.enter(controller_id):
            return work()
    finally:
        connections.close_all()


def _until_it_waits(other: Future[object]) -> None:
    stop = time.monotonic() + 20
    while time.monotonic() < stop:
        assert not other.done(), other.result()
        with connections["keys"].cursor() as cursor:
            cursor.execute(_WAITING)
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.02)
    pytest.fail("the other worker never came to the lock")


def test_two_workers_that_shred_one_person_say_the_same() -> None:
    controller, subject = new_id(), new_id()
    with scope.enter(controller), ThreadPoolExecutor(1) as pool:
        keys.new([subject], actor=SYSTEM)
        with transaction.atomic(using="keys"):
            # The key is gone, but not yet for others.
            first = keys.shred(subject, actor=SYSTEM, seq=None)
            other = pool.submit(
                _elsewhere, controller, lambda: keys.shred(subject, actor=SYSTEM, seq=None)
            )
            _until_it_waits(other)
        assert other.result(timeout=20) == first
        assert Journal.objects.filter(subject_id=subject).count() == 1


def test_a_person_nobody_has_a_key_of_is_missing_and_not_shredded() -> None:
    with scope.enter(new_id()), pytest.raises(Missing):
        keys.shred(new_id(), actor=SYSTEM, seq=None)


def test_an_epoch_ends_without_a_person_who_is_being_shredded() -> None:
    living, dead = new_id(), new_id()
    with scope.enter(new_id()) as controller, ThreadPoolExecutor(1) as pool:
        made = keys.new([living, dead], actor=SYSTEM)
        with transaction.atomic(using="keys"):
            epoch = keys.shred(dead, actor=SYSTEM, seq=None)
            other = pool.submit(_elsewhere, controller, lambda: ending.end_epoch(actor=SYSTEM))
            _until_it_waits(other)
        other.result(timeout=20)
        (ended,) = selectors.ended()
        assert (ended.epoch_id, ended.rewrapped) == (epoch, 1)
        assert keys.open_many([living, dead]) == {living: made[living]}


def test_two_runs_end_one_epoch_together() -> None:
    subjects = [new_id() for _ in range(7)]
    with scope.enter(new_id()) as controller, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ending, "BATCH", 1)
        made = keys.new(subjects, actor=SYSTEM)
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(_elsewhere, controller, lambda: ending.end_epoch(actor=SYSTEM))
                for _ in range(2)
            ]
            for run in runs:
                run.result(timeout=60)
        assert keys.open_many(subjects) == made
        assert len(selectors.ended()) == 2  # each run was asked for an end of its own
