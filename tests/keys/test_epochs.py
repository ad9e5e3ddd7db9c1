"""Epochs: they end on their day, and a run that was killed is finished by the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from pytest_django import Settings

from apps.core import clock, files, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Unavailable
from apps.core.ids import new_id
from apps.keys import ending, epochs, selectors
from apps.keys import services as keys
from apps.keys.models import Epoch, SubjectKey

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process dies here."""


def _file(epoch: Epoch) -> Path:
    return Path(settings.LETHE_KEYS_DIR) / "epochs" / f"{epoch.pk}.key"


def _today_is_the_day(controller_id: UUID) -> None:
    today = clock.now().date()
    Epoch.objects.filter(controller_id=controller_id, destroyed_at=None).update(ends_on=today)


def _end_due() -> None:
    ending.end_epoch(actor=SYSTEM, due_by=clock.now().date())


def _kill_at(patch: pytest.MonkeyPatch, module: Any, name: str, *, call: int = 1) -> None:
    """The process dies at the nth call of this function, before it does anything."""
    real: Callable[..., Any] = getattr(module, name)
    calls: list[None] = []

    def dying(*args: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) == call:
            raise Killed
        return real(*args, **options)

    patch.setattr(module, name, dying)


def test_an_epoch_knows_its_last_day_from_the_start(settings: Settings) -> None:
    settings.LETHE_EPOCH_DAYS = 10
    with scope.enter(new_id()) as controller:
        keys.new([new_id()], actor=SYSTEM)
    epoch = Epoch.objects.get(controller_id=controller)
    assert epoch.ends_on == clock.now().date() + timedelta(days=10)


def test_an_epoch_goes_on_until_its_day_and_ends_once_on_it() -> None:
    subject = new_id()
    with scope.enter(new_id()) as controller:
        made = keys.new([subject], actor=SYSTEM)
        _end_due()
        assert selectors.ended() == []
        first = Epoch.objects.get(controller_id=controller)
        _today_is_the_day(controller)
        _end_due()
        _end_due()
        (ended,) = selectors.ended()
        assert (ended.epoch_id, ended.rewrapped) == (first.pk, 1)
        assert keys.open_one(subject) == made[subject]
    assert Epoch.objects.filter(controller_id=controller).count() == 2
    assert not _file(first).exists()


def test_where_there_is_no_epoch_none_is_made() -> None:
    with scope.enter(new_id()) as controller:
        ending.end_epoch(actor=SYSTEM)
    assert not Epoch.objects.filter(controller_id=controller).exists()


def test_the_epoch_of_another_controller_goes_on() -> None:
    ours, theirs = new_id(), new_id()
    for controller in (ours, theirs):
        with scope.enter(controller):
            keys.new([new_id()], actor=SYSTEM)
    with scope.enter(ours):
        ending.end_epoch(actor=SYSTEM)
    with scope.enter(theirs):
        assert selectors.ended() == []
    assert _file(Epoch.objects.get(controller_id=theirs)).exists()


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [(ending, "_wrapped_anew", 1), (ending, "_rewrap_batch", 3), (ending, "_close", 1)],
)
def test_a_run_killed_half_way_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int
) -> None:
    monkeypatch.setattr(ending, "BATCH", 2)
    subjects = [new_id() for _ in range(5)]
    with scope.enter(new_id()) as controller:
        made = keys.new(subjects, actor=SYSTEM)
        _today_is_the_day(controller)
        with pytest.MonkeyPatch.context() as patch:
            _kill_at(patch, module, name, call=call)
            with pytest.raises(Killed):
                _end_due()
        assert keys.open_many(subjects) == made  # some under the old key, some under the new
        newcomer = new_id()
        made |= keys.new([newcomer], actor=SYSTEM)
        _end_due()
        assert keys.open_many([*subjects, newcomer]) == made
        (ended,) = selectors.ended()
        assert ended.rewrapped == 5
    old, fresh = Epoch.objects.filter(controller_id=controller).order_by("number")
    assert (_file(old).exists(), _file(fresh).exists()) == (False, True)


def test_a_file_that_a_crash_left_goes_with_the_next_run() -> None:
    with scope.enter(new_id()) as controller:
        keys.new([new_id()], actor=SYSTEM)
        _today_is_the_day(controller)
        with pytest.MonkeyPatch.context() as patch:
            _kill_at(patch, files, "destroy")
            with pytest.raises(Killed):
                _end_due()
        old = Epoch.objects.get(controller_id=controller, destroyed_at__isnull=False)
        assert _file(old).exists()
        _end_due()
        assert not _file(old).exists()


def test_a_key_that_does_not_open_keeps_the_old_epoch_alive() -> None:
    broken, other = new_id(), new_id()
    with scope.enter(new_id()) as controller:
        made = keys.new([broken, other], actor=SYSTEM)
        old = Epoch.objects.get(controller_id=controller)
        SubjectKey.objects.filter(subject_id=broken).update(wrapped=b"\x01" + bytes(60))
        with pytest.raises(Unavailable):
            ending.end_epoch(actor=SYSTEM)
        assert _file(old).exists()
        assert keys.open_one(other) == made[other]


def test_a_reader_that_found_its_row_before_the_end_opens_it_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject = new_id()
    with scope.enter(new_id()):
        made = keys.new([subject], actor=SYSTEM)
        real = epochs.load

        def ended_meanwhile(epoch_id: UUID) -> bytes:
            monkeypatch.setattr(epochs, "load", real)
            ending.end_epoch(actor=SYSTEM)
            return real(epoch_id)

        monkeypatch.setattr(epochs, "load", ended_meanwhile)
        assert keys.open_one(subject) == made[subject]


def test_what_was_shredded_has_two_dates() -> None:
    living, dead = new_id(), new_id()
    with scope.enter(new_id()) as controller:
        keys.new([living, dead], actor=SYSTEM)
        epoch = Epoch.objects.get(controller_id=controller)
        keys.shred(dead, actor=SYSTEM, seq=None)
        found = selectors.shredded([living, dead])
        assert found.keys() == {dead}
        # No copy of the key that may still be made outlives this day.
        assert (found[dead].epoch_id, found[dead].irreversible_by) == (
            epoch.pk,
            epoch.ends_on + timedelta(days=settings.LETHE_COPY_DAYS),
        )
        ending.end_epoch(actor=SYSTEM)  # before its day, by the operator
        assert selectors.shredded([dead])[dead].irreversible_by == clock.now().date()
    with scope.enter(new_id()):
        assert selectors.shredded([dead]) == {}
