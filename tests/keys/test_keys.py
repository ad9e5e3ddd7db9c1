"""Keys: made first, opened in scope, shredded for good."""

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from apps.core import crypto, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Unavailable
from apps.core.ids import new_id
from apps.keys import ending, epochs
from apps.keys import services as keys
from apps.keys.models import Epoch, Journal, SubjectKey

pytestmark = pytest.mark.django_db


def test_a_key_opens_in_its_own_scope_only() -> None:
    subject, ours, theirs = new_id(), new_id(), new_id()
    with scope.enter(ours):
        made = keys.new([subject], actor=SYSTEM)
        assert keys.open_one(subject) == made[subject]
    with scope.enter(theirs), pytest.raises(keys.KeyShredded):
        keys.open_one(subject)


def test_a_shredded_subject_cannot_be_opened_or_found() -> None:
    subject, other = new_id(), new_id()
    with scope.enter(new_id()):
        keys.new([subject, other], actor=SYSTEM)
        keys.index([(subject, "email", "ada@example.org"), (other, "email", "bo@example.org")])
        epoch = keys.shred(subject, actor=SYSTEM, seq=None)
        assert keys.shred(subject, actor=SYSTEM, seq=None) == epoch  # again after a crash: the same
        with pytest.raises(keys.KeyShredded):
            keys.open_one(subject)
        assert keys.find("email", ["ada@example.org"]) == {}
        assert keys.find("email", ["bo@example.org"]) == {"bo@example.org": {other}}
        assert keys.journalled([subject, other]) == {subject}


def test_the_runtime_role_cannot_touch_the_journal() -> None:
    subject = new_id()
    with scope.enter(new_id()):
        keys.new([subject], actor=SYSTEM)
        keys.shred(subject, actor=SYSTEM, seq=None)
    for statement in ("DELETE FROM keys_journal", "UPDATE keys_journal SET subject_id=epoch_id"):
        with transaction.atomic(using="keys"), connections["keys"].cursor() as cursor:
            with pytest.raises(DatabaseError, match="permission denied"):
                cursor.execute(statement)
            transaction.set_rollback(True, using="keys")
    assert Journal.objects.count() == 1


def test_ending_an_epoch_keeps_the_living_and_ends_the_dead_everywhere() -> None:
    living, dead = new_id(), new_id()
    controller = new_id()
    with scope.enter(controller):
        made = keys.new([living, dead], actor=SYSTEM)
        backup = bytes(SubjectKey.objects.get(subject_id=dead).wrapped)
        old = Epoch.objects.get(controller_id=controller)
        keys.shred(dead, actor=SYSTEM, seq=None)
        ending.end_epoch(actor=SYSTEM)
        assert keys.open_one(living) == made[living]
        # The row restored from a backup is of no use: the epoch's key is gone for good.
        with pytest.raises(Unavailable):
            crypto.unwrap(epochs.load(old.pk), backup, subject=dead, epoch=old.pk)
    assert not (Path(settings.LETHE_KEYS_DIR) / "epochs" / f"{old.pk}.key").exists()


def test_no_epoch_key_lies_in_any_database() -> None:
    controller = new_id()
    with scope.enter(controller):
        keys.new([new_id()], actor=SYSTEM)
    epoch = Epoch.objects.get(controller_id=controller)
    key = epochs.load(epoch.pk)
    assert all(key not in bytes(row.wrapped) for row in SubjectKey.objects.all())
    sealed = (Path(settings.LETHE_KEYS_DIR) / "epochs" / f"{epoch.pk}.key").read_bytes()
    assert key not in sealed


def _bury(connection: UUID, digest: bytes, day: date, record: UUID) -> None:
    keys.entomb(
        [(connection, digest, record)], actor=SYSTEM, erased_on=day, until=day + timedelta(days=365)
    )


def test_tombstones_are_of_a_scope_and_keep_the_latest_day() -> None:
    connection, record = new_id(), new_id()
    with scope.enter(new_id()):
        digest = keys.digest("remote_id", "4711")
        for day in (date(2026, 1, 2), date(2026, 5, 6)):
            grave = new_id() if day.month == 1 else record
            _bury(connection, digest, day, grave)
            _bury(connection, digest, day, grave)  # again, after a crash
        assert keys.tombstones(connection, [digest]) == {digest: date(2026, 5, 6)}
    with scope.enter(new_id()):
        assert keys.tombstones(connection, [digest]) == {}


def test_a_tombstone_ends_and_its_neighbours_stay() -> None:
    connection = new_id()
    with scope.enter(new_id()):
        old, young = (keys.digest("remote_id", one) for one in ("4711", "4712"))
        _bury(connection, old, date(2024, 1, 2), new_id())
        _bury(connection, young, date(2026, 1, 2), new_id())
        assert keys.expire_tombstones(actor=SYSTEM, before=date(2026, 3, 1)) == 1
        assert keys.tombstones(connection, [old, young]).keys() == {young}
        assert keys.expire_tombstones(actor=SYSTEM, before=date(2026, 3, 1)) == 0


def test_many_are_shredded_as_one_is_and_again_after_a_crash() -> None:
    people = [new_id() for _ in range(5)]
    with scope.enter(new_id()):
        keys.new(people, actor=SYSTEM)
        keys.index((one, "email", f"{one}@example.org") for one in people)
        gone, kept = people[:3], people[3:]
        seqs = {one: n for n, one in enumerate(gone, 1)} | {new_id(): None}
        epochs = keys.shred_many(seqs, actor=SYSTEM)
        assert epochs.keys() == set(gone)
        assert keys.shred_many(seqs, actor=SYSTEM) == epochs
        assert keys.open_many(people).keys() == set(kept)
        assert Journal.objects.count() == len(gone)
        found = keys.find("email", [f"{one}@example.org" for one in people])
        assert {mail for mail, _ in found.items()} == {f"{one}@example.org" for one in kept}


def test_digests_of_two_controllers_never_meet() -> None:
    with scope.enter(new_id()):
        ours = keys.digest("email", "ada@example.org")
    with scope.enter(new_id()):
        assert keys.digest("email", "ada@example.org") != ours
