"""Ending a key epoch: what its key still wraps afterwards can never be opened again, by anybody.

Order (each step commits before the next one begins):
   fresh epoch: key file, then row │ the living re-wrapped with their indexes, batch after batch
   │ old epoch marked as destroyed, once no key is left under it │ its file overwritten and removed

1. From the first commit on, every new data key is wrapped by the fresh epoch.
2. Each of these transactions takes the controller's lock, as making a new key does, and asks the
   rows what is left instead of remembering how far it came. So a killed run goes on at the next
   call, and two runs at a time finish one ending together.
3. A file goes only after the commit that says nothing is under it. What a crash leaves is the file
   of an ended epoch, which wraps nobody living: the next call removes it.

`subjects` writes the ledger entry, from what `selectors.ended` says: none is lost with a process.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Unavailable
from apps.core.ids import new_id
from apps.keys import epochs
from apps.keys.models import BlindIndex, Epoch, SubjectKey

_ALIAS = "keys"
BATCH = 2_000

_REWRAP = """
    UPDATE keys_subjectkey AS k SET wrapped = v.wrapped, epoch_id = %s
    FROM unnest(%s::uuid[], %s::bytea[]) AS v (subject_id, wrapped)
    WHERE k.subject_id = v.subject_id
"""
_VEIL = """
    UPDATE keys_blindindex AS b SET digest = v.digest, epoch_id = %s
    FROM unnest(%s::bigint[], %s::bytea[]) AS v (id, digest)
    WHERE b.id = v.id
"""


def living(controller_id: UUID) -> Epoch:
    """The epoch that wraps new keys, in the caller's transaction: it cannot end before that."""
    _lock(controller_id)
    return _newest(controller_id) or _start(controller_id, 1)


def end_epoch(*, actor: Actor, due_by: date | None = None) -> None:
    """End the epoch of the controller in scope; with `due_by`, only if its day has come.

    Goes on with what an earlier call left. Raises Unavailable when a key does not open: its
    epoch goes on, and the controller's other ones that are due have ended all the same.
    """
    controller_id = scope.current()
    failure = None
    _turn(controller_id, due_by)
    for old in _ending(controller_id):
        try:
            _rewrap(old)
            _close(old)
        except Unavailable as error:
            failure = error
    for ended in Epoch.objects.filter(controller_id=controller_id, destroyed_at__isnull=False):
        epochs.destroy(ended.pk)
    if failure is not None:
        raise failure


def rewrap_all(*, actor: Actor) -> int:
    """Every living epoch's key file under the root that writes now (core.roots). How many were
    not. Raises Unavailable.

    The row is locked meanwhile: an epoch is marked as destroyed before its file goes, so that no
    file comes back.
    """
    changed = 0
    for epoch_id in Epoch.objects.filter(destroyed_at=None).values_list("pk", flat=True):
        with transaction.atomic(using=_ALIAS):
            rows = Epoch.objects.select_for_update().filter(pk=epoch_id, destroyed_at=None)
            if rows.exists():
                changed += epochs.rewrap(epoch_id)
    return changed


def _turn(controller_id: UUID, due_by: date | None) -> None:
    with transaction.atomic(using=_ALIAS):
        _lock(controller_id)
        newest = _newest(controller_id)
        if newest is not None and (due_by is None or newest.ends_on <= due_by):
            _start(controller_id, newest.number + 1)


def _ending(controller_id: UUID) -> list[Epoch]:
    """Epochs that a newer one has replaced and whose keys are not all re-wrapped."""
    rows = Epoch.objects.filter(controller_id=controller_id, destroyed_at=None)
    return list(rows.order_by("-number")[1:])


def _rewrap(old: Epoch) -> None:
    while SubjectKey.objects.filter(epoch=old).exists():
        last: UUID | None = UUID(int=0)
        while last is not None:
            last = _rewrap_batch(old, after=last)


def _rewrap_batch(old: Epoch, *, after: UUID) -> UUID | None:
    """The next keys by subject id, now under the newest epoch. The last one's id, or None."""
    with transaction.atomic(using=_ALIAS):
        _lock(old.controller_id)
        rows = SubjectKey.objects.select_for_update().filter(epoch=old, subject_id__gt=after)
        batch = list(rows.order_by("subject_id")[:BATCH])
        fresh = _newest(old.controller_id)
        if not batch or fresh is None:
            return None
        subject_ids = [row.subject_id for row in batch]
        with connections[_ALIAS].cursor() as cursor:
            cursor.execute(_REWRAP, [fresh.pk, subject_ids, _wrapped_anew(batch, old, fresh)])
        _veil_anew(subject_ids, old, fresh)
        Epoch.objects.filter(pk=old.pk).update(rewrapped=F("rewrapped") + len(batch))
    return subject_ids[-1]


def _veil_anew(subject_ids: list[UUID], old: Epoch, fresh: Epoch) -> None:
    """The blind indexes of these people move with their keys, whose lock we hold."""
    found = BlindIndex.objects.filter(subject_id__in=subject_ids)
    rows = found.filter(Q(epoch=old) | Q(epoch=None)).values_list("pk", "digest", "epoch_id")
    old_key, new_key = epochs.load(old.pk), epochs.load(fresh.pk)
    ids, veiled = [], []
    for pk, digest, epoch_id in rows:
        bare = bytes(digest)
        if epoch_id is not None:
            bare = _unveiled(old_key, bare, old.pk)
        ids.append(pk)
        veiled.append(crypto.veil(new_key, bare, epoch=fresh.pk))
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute(_VEIL, [fresh.pk, ids, veiled])


def _unveiled(key: bytes, veiled: bytes, epoch_id: UUID) -> bytes:
    try:
        return crypto.unveil(key, veiled, epoch=epoch_id)
    except crypto.CryptoError as error:
        raise _does_not_open() from error


def _wrapped_anew(batch: list[SubjectKey], old: Epoch, fresh: Epoch) -> list[bytes]:
    old_key, new_key = epochs.load(old.pk), epochs.load(fresh.pk)
    wrapped = []
    for row in batch:
        try:
            key = crypto.unwrap(old_key, bytes(row.wrapped), subject=row.subject_id, epoch=old.pk)
        except crypto.CryptoError as error:
            raise _does_not_open() from error
        wrapped.append(crypto.wrap(new_key, key, subject=row.subject_id, epoch=fresh.pk))
    return wrapped


def _does_not_open() -> Unavailable:
    message = _("A data key does not open, so its epoch goes on: look at the keys database.")
    return Unavailable("data_key", message)


def _close(old: Epoch) -> None:
    with transaction.atomic(using=_ALIAS):
        _lock(old.controller_id)
        if not SubjectKey.objects.filter(epoch=old).exists():
            BlindIndex.objects.filter(epoch=old).delete()  # of people without a key: nobody's
            Epoch.objects.filter(pk=old.pk, destroyed_at=None).update(destroyed_at=clock.now())


def _newest(controller_id: UUID) -> Epoch | None:
    rows = Epoch.objects.filter(controller_id=controller_id, destroyed_at=None)
    return rows.order_by("-number").first()


def _start(controller_id: UUID, number: int) -> Epoch:
    ends_on = clock.now().date() + timedelta(days=settings.LETHE_EPOCH_DAYS)
    epoch = Epoch(
        id=new_id(),
        controller_id=controller_id,
        number=number,
        ends_on=ends_on,
        copies_until=ends_on + timedelta(days=settings.LETHE_COPY_DAYS),
    )
    epochs.create(epoch.pk)
    epoch.save(force_insert=True)
    return epoch


def _lock(controller_id: UUID) -> None:
    """One at a time per controller (a transaction lock: goes with the commit)."""
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"epoch/{controller_id}"]
        )
