"""Blind indexes lie under their epoch's veil: after its end nobody can test a backup for anyone."""

from __future__ import annotations

import pytest
from django.conf import settings

from apps.core import crypto, scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import ending, epochs
from apps.keys import services as keys
from apps.keys.models import BlindIndex, Epoch

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"


def test_what_is_stored_is_not_the_digest_that_the_root_key_gives() -> None:
    subject = new_id()
    with scope.enter(new_id()):
        keys.new([subject], actor=SYSTEM)
        keys.index([(subject, "email", ADA)])
        bare = keys.digest("email", ADA)
        row, epoch = BlindIndex.objects.get(), Epoch.objects.get()
        assert bare not in bytes(row.digest)
        assert crypto.unveil(epochs.load(epoch.pk), bytes(row.digest)) == bare
        assert crypto.unveil(crypto.new_key(), bytes(row.digest)) != bare
        with pytest.raises(crypto.CryptoError):
            crypto.unveil(epochs.load(epoch.pk), bytes(row.digest)[:-1])


def test_the_living_are_found_after_an_epoch_and_the_old_rows_tell_nothing() -> None:
    subject = new_id()
    with scope.enter(new_id()):
        keys.new([subject], actor=SYSTEM)
        keys.index([(subject, "email", ADA)])
        before, old = BlindIndex.objects.get(), Epoch.objects.get()
        ending.end_epoch(actor=SYSTEM)
        after = BlindIndex.objects.get()
        assert keys.find("email", [ADA]) == {ADA: {subject}}
        assert bytes(after.digest) != bytes(before.digest)
        assert not epochs.exists(old.pk)
        # The row as a backup still holds it.
        BlindIndex.objects.update(digest=before.digest, epoch=old)
        assert keys.find("email", [ADA]) == {}


def test_a_row_of_before_the_veil_is_found_and_veiled_at_the_epochs_end() -> None:
    subject = new_id()
    with scope.enter(new_id()) as controller:
        keys.new([subject], actor=SYSTEM)
        bare = keys.digest("email", ADA)
        BlindIndex.objects.create(
            controller_id=controller, kind="email", digest=bare, subject_id=subject
        )
        assert keys.find("email", [ADA]) == {ADA: {subject}}
        ending.end_epoch(actor=SYSTEM)
        row = BlindIndex.objects.get()
        assert bytes(row.digest) != bare
        assert keys.find("email", [ADA]) == {ADA: {subject}}


def test_a_row_under_the_veil_of_before_is_found_and_veiled_anew() -> None:
    subject = new_id()
    with scope.enter(new_id()) as controller:
        keys.new([subject], actor=SYSTEM)
        epoch, bare = Epoch.objects.get(), keys.digest("email", ADA)
        once = crypto.veil_once(epochs.load(epoch.pk), bare, epoch=epoch.pk)
        BlindIndex.objects.create(
            controller_id=controller, kind="email", digest=once, subject_id=subject, epoch=epoch
        )
        assert keys.find("email", [ADA]) == {ADA: {subject}}
        ending.end_epoch(actor=SYSTEM)
        assert len(bytes(BlindIndex.objects.get().digest)) == crypto.DIGEST_BYTES
        assert keys.find("email", [ADA]) == {ADA: {subject}}


@pytest.mark.django_db(transaction=True)
def test_many_are_taken_from_both_ends_and_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "MANY", 1)
    monkeypatch.setattr(ending, "BATCH", 3)
    people = [new_id() for _ in range(40)]
    with scope.enter(new_id()):
        made = keys.new(people, actor=SYSTEM)
        keys.index((one, "email", f"{one}@example.org") for one in people)
        keys.index((one, "phone", f"+3363998{n:04d}") for n, one in enumerate(people))
        dead = people[::7]
        keys.shred_many(dict.fromkeys(dead), actor=SYSTEM)
        ending.end_epoch(actor=SYSTEM)
        old, fresh = Epoch.objects.order_by("number")
        assert (old.rewrapped, epochs.exists(old.pk)) == (len(people) - len(dead), False)
        living = {one: key for one, key in made.items() if one not in dead}
        assert keys.open_many(people) == living
        found = keys.find("email", [f"{one}@example.org" for one in people])
        assert {one for ids in found.values() for one in ids} == living.keys()
        assert not BlindIndex.objects.exclude(epoch=fresh).exists()


def test_an_epoch_fixes_until_when_copies_of_its_key_may_be_kept() -> None:
    with scope.enter(new_id()):
        keys.new([new_id()], actor=SYSTEM)
    epoch = Epoch.objects.get()
    assert epoch.copies_until is not None
    assert (epoch.copies_until - epoch.ends_on).days == settings.LETHE_COPY_DAYS
