"""Ending a key epoch: what its key still wraps afterwards can never be opened again, by anybody.

Order (each step commits before the next one begins):
   fresh epoch: key file, then row │ the living re-wrapped with their indexes, batch after batch
   │ old epoch marked as destroyed, once no key is left under it │ its file overwritten and removed

1. From the first commit on, every new data key is wrapped by the fresh epoch.
2. Each of these transactions takes the controller's lock: alone to begin an epoch, shared to
   re-wrap, as making a new key does. It asks the rows what is left instead of remembering
   how far it came. So a killed run goes on at the next call, and two runs at a time finish one
   ending together.
3. A file goes only after the commit that says nothing is under it. What a crash leaves is the file
   of an ended epoch, which wraps nobody living: the next call removes it.

`subjects` writes the ledger entry, from what `selectors.ended` says: none is lost with a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any, Literal, LiteralString
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Unavailable
from apps.core.ids import new_id
from apps.keys import epochs
from apps.keys.models import BlindIndex, Epoch, SubjectKey

_ALIAS = "keys"
#: Keys re-wrapped in one transaction: whoever wants one of them waits for that long.
BATCH = 4_000
#: From so many keys on a second connection takes them from the other end.
MANY = 50_000

# What changes is in no index, so that a row is rewritten in its page (HOT). A batch is read and
# written as one value: of each row its id, which must be the row's when it is written, and the
# rest. Its keys are locked in the order in which everybody locks them.
_READ_IN: LiteralString = """
    WITH edges AS (
        SELECT min(subject_id::text)::uuid AS first, max(subject_id::text)::uuid AS last
        FROM (SELECT subject_id FROM keys_subjectkey
              WHERE controller_id = %(controller)b AND epoch_id = %(old)b
                AND subject_id > %(after)b AND subject_id < %(before)b
              ORDER BY subject_id {} LIMIT %(most)b::integer) batch
    ), locked AS MATERIALIZED (
        SELECT k.subject_id, k.wrapped FROM keys_subjectkey k
        WHERE k.controller_id = %(controller)b AND k.epoch_id = %(old)b
          AND k.subject_id BETWEEN (SELECT first FROM edges) AND (SELECT last FROM edges)
        ORDER BY k.subject_id FOR UPDATE
    )
    SELECT (SELECT string_agg(uuid_send(subject_id) || wrapped, ''::bytea ORDER BY subject_id)
            FROM locked), first, last FROM edges
"""
_READ: dict[str, LiteralString] = {
    "ASC": _READ_IN.format("ASC"),
    "DESC": _READ_IN.format("DESC"),
}
_REWRAP: LiteralString = """
    WITH batch AS (
        SELECT ctid, subject_id, (row_number() OVER (ORDER BY subject_id))::integer - 1 AS n
        FROM keys_subjectkey
        WHERE controller_id = %(controller)b AND epoch_id = %(old)b
          AND subject_id BETWEEN %(first)b AND %(last)b
    )
    UPDATE keys_subjectkey AS k
    SET wrapped = substring(given.rows FROM batch.n * given.width + 17 FOR given.width - 16),
        epoch_id = %(new)b
    FROM batch, (SELECT %(rows)b::bytea AS rows, %(width)b::integer AS width) given
    WHERE k.ctid = batch.ctid AND k.epoch_id = %(old)b
      AND substring(given.rows FROM batch.n * given.width + 1 FOR 16) = uuid_send(k.subject_id)
"""
_READ_VEILED: LiteralString = """
    SELECT string_agg(int8send(id) || digest, ''::bytea ORDER BY id)
    FROM keys_blindindex
    WHERE controller_id = %(controller)b AND epoch_id = %(old)b
      AND subject_id BETWEEN %(first)b AND %(last)b AND octet_length(digest) = 32
"""
_VEIL: LiteralString = """
    WITH batch AS (
        SELECT ctid, id, (row_number() OVER (ORDER BY id))::integer - 1 AS n
        FROM keys_blindindex
        WHERE controller_id = %(controller)b AND epoch_id = %(old)b
          AND subject_id BETWEEN %(first)b AND %(last)b AND octet_length(digest) = 32
    )
    UPDATE keys_blindindex AS b
    SET digest = substring(given.rows FROM batch.n * 40 + 9 FOR 32), epoch_id = %(new)b
    FROM batch, (SELECT %(rows)b::bytea AS rows) given
    WHERE b.ctid = batch.ctid AND b.epoch_id = %(old)b
      AND substring(given.rows FROM batch.n * 40 + 1 FOR 8) = int8send(b.id)
"""
_VEIL_OTHERS = """
    UPDATE keys_blindindex AS b SET digest = v.digest, epoch_id = %s
    FROM unnest(%s::bigint[], %s::bytea[]) AS v (id, digest)
    WHERE b.id = v.id
"""
#: A row of a batch: a person's id and their wrapped key.
_WIDTH = 16 + crypto.WRAPPED_BYTES
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
_Order = Literal["ASC", "DESC"]


def living(controller_id: UUID) -> Epoch:
    """The epoch that wraps new keys, in the caller's transaction: it cannot end before that."""
    if _newest(controller_id) is None:
        _lock(controller_id)
        return _newest(controller_id) or _start(controller_id, 1)
    _lock(controller_id, shared=True)
    newest = _newest(controller_id)
    if newest is None:
        raise _does_not_open()  # every epoch ended and none began: not by this code
    return newest


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
            # Another run may have ended it meanwhile: then nothing is amiss.
            if Epoch.objects.filter(pk=old.pk, destroyed_at=None).exists():
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
    for epoch_id in epochs.listed():
        with transaction.atomic(using=_ALIAS):
            row = Epoch.objects.select_for_update().filter(pk=epoch_id).first()
            # A file without a row wraps nobody yet: it goes along, so that nothing is left behind.
            if row is None or row.destroyed_at is None:
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
    """Every key that is left, from one end; of many, another connection comes from the other."""
    mine = SubjectKey.objects.filter(epoch=old, controller_id=old.controller_id)
    while (left := mine.count()) > 0:
        if left < MANY:
            _walk(old, "ASC")
            continue
        with ThreadPoolExecutor(max_workers=1) as other:
            done = other.submit(_elsewhere, old)
            _walk(old, "ASC")
            done.result()


def _elsewhere(old: Epoch) -> None:
    try:
        _walk(old, "DESC")
    finally:
        connections[_ALIAS].close()


def _walk(old: Epoch, order: _Order) -> None:
    """Batch after batch until none is left on the way to the other end."""
    after, before = _FIRST_ID, _LAST_ID
    while (batch := _rewrap_batch(old, after, before, order)) is not None:
        if order == "ASC":
            after = batch[1]
        else:
            before = batch[0]


def _rewrap_batch(old: Epoch, after: UUID, before: UUID, order: _Order) -> tuple[UUID, UUID] | None:
    """The next keys in that order, now under the newest epoch: from which person to which. None:
    there are no more."""
    with transaction.atomic(using=_ALIAS), _cursor() as cursor:
        _lock(old.controller_id, shared=True)
        fresh = _newest(old.controller_id)
        given: dict[str, Any] = {"controller": old.controller_id, "old": old.pk, "most": BATCH}
        given |= {"after": after, "before": before}
        rows, first, last = _one(cursor, _READ[order], given)
        if first is None or fresh is None:
            return None
        if rows is None:  # others took them all meanwhile
            return first, last
        given |= {"first": first, "last": last, "new": fresh.pk}
        given |= {"rows": _wrapped_anew(bytes(rows), old, fresh), "width": _WIDTH}
        cursor.execute(_REWRAP, given)
        count = cursor.rowcount
        if count * _WIDTH != len(rows):
            raise _does_not_open()  # all of a batch or nothing: its addresses go with it
        # After that: who is made findable from now on waits for us, and is under the new one.
        (veiled,) = _one(cursor, _READ_VEILED, given)
        if veiled is not None:
            given["rows"] = _veiled_anew(bytes(veiled), old, fresh)
            cursor.execute(_VEIL, given)
        _veil_others(old, fresh, first, last, bytes(rows))
        Epoch.objects.filter(pk=old.pk).update(rewrapped=F("rewrapped") + count)
    return first, last


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    """The driver's own, which sends a batch beside its statement, in binary: Django's would write
    it into the statement, in hex."""
    return psycopg.Cursor(connections[_ALIAS].connection)


def _one(
    cursor: psycopg.Cursor[tuple[Any, ...]], statement: LiteralString, given: dict[str, Any]
) -> tuple[Any, ...]:
    row = cursor.execute(statement, given, binary=True).fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return row


def _wrapped_anew(rows: bytes, old: Epoch, fresh: Epoch) -> bytes:
    if len(rows) % _WIDTH:
        raise _does_not_open()
    rewrap = crypto.rewrapper(epochs.load(old.pk), epochs.load(fresh.pk), old=old.pk, new=fresh.pk)
    found = []
    try:
        for at in range(0, len(rows), _WIDTH):
            subject = rows[at : at + 16]
            found.append(subject + rewrap(subject, rows[at + 16 : at + _WIDTH]))
    except crypto.CryptoError as error:
        raise _does_not_open() from error
    return b"".join(found)


def _veiled_anew(rows: bytes, old: Epoch, fresh: Epoch) -> bytes:
    """Each row is its id (8 bytes) and its digest (32)."""
    starts = range(0, len(rows), 40)
    digests = b"".join([rows[at + 8 : at + 40] for at in starts])
    bare = crypto.unveil(epochs.load(old.pk), digests)
    veiled = crypto.veil(epochs.load(fresh.pk), bare)
    return b"".join(
        [rows[at : at + 8] + veiled[32 * n : 32 * n + 32] for n, at in enumerate(starts)]
    )


def _veil_others(old: Epoch, fresh: Epoch, first: UUID, last: UUID, rows: bytes) -> None:
    """Rows of before the veil, or of another one: until the epoch ends that they were made in."""
    found = BlindIndex.objects.filter(
        controller_id=old.controller_id, subject_id__gte=first, subject_id__lte=last
    ).filter(Q(epoch=old) | Q(epoch=None))
    others = list(found.values_list("pk", "digest", "epoch_id", "subject_id"))
    if others:
        people = {rows[at : at + 16] for at in range(0, len(rows), _WIDTH)}
        _veil_each(old, fresh, [one[:3] for one in others if one[3].bytes in people])


def _veil_each(
    old: Epoch, fresh: Epoch, rows: Sequence[tuple[int, bytes | memoryview, UUID | None]]
) -> None:
    old_key, new_key = epochs.load(old.pk), epochs.load(fresh.pk)
    ids, veiled = [], []
    for pk, digest, epoch_id in rows:
        bare = bytes(digest)
        if epoch_id is not None and len(bare) == crypto.DIGEST_BYTES:
            bare = crypto.unveil(old_key, bare)
        elif epoch_id is not None:
            bare = _unveiled(old_key, bare, old.pk)
        ids.append(pk)
        veiled.append(crypto.veil(new_key, bare))
    if ids:
        with connections[_ALIAS].cursor() as cursor:
            cursor.execute(_VEIL_OTHERS, [fresh.pk, ids, veiled])


def _unveiled(key: bytes, veiled: bytes, epoch_id: UUID) -> bytes:
    try:
        return crypto.unveil_once(key, veiled, epoch=epoch_id)
    except crypto.CryptoError as error:
        raise _does_not_open() from error


def _does_not_open() -> Unavailable:
    message = _("A data key does not open, so its epoch goes on: look at the keys database.")
    return Unavailable("data_key", message)


def _close(old: Epoch) -> None:
    """Nothing comes under an epoch that a newer one replaced, so that what is seen here stays so:
    nobody waits for it, however long it takes to look."""
    with transaction.atomic(using=_ALIAS):
        if SubjectKey.objects.filter(epoch=old).exists():
            return
        left = BlindIndex.objects.filter(epoch=old)
        left.exclude(Exists(SubjectKey.objects.filter(subject_id=OuterRef("subject_id")))).delete()
        fresh = _newest(old.controller_id)
        if fresh is not None:
            # Of the living there are none, as they go with their keys; if there were, they stay
            # findable.
            _veil_each(old, fresh, list(left.values_list("pk", "digest", "epoch_id")))
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


def _lock(controller_id: UUID, *, shared: bool = False) -> None:
    """Per controller, until the transaction ends: whoever begins an epoch is alone; whoever makes
    keys, or wraps them anew, only keeps that from happening meanwhile."""
    kind = "_shared" if shared else ""
    with connections[_ALIAS].cursor() as cursor:
        cursor.execute(
            f"SELECT pg_advisory_xact_lock{kind}(hashtextextended(%s, 0))",
            [f"epoch/{controller_id}"],
        )
