"""Writes of the keys database, each in a transaction of its own there.

Two databases share no transaction, so the order is fixed (HOUSE §5). Creating: the key commits
first; a key whose subject never came is harmless. Shredding: main commits `shredding`, then key
and journal go here, then main commits `shredded` with its ledger entry; the reconciler of
`subjects` finishes either half. `shred` may therefore run twice and says the same both times.
Ending an epoch, which makes what was shredded irreversible in every backup: ending.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db import connections, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import crypto, roots, scope
from apps.core.actors import Actor
from apps.core.errors import DomainError, Missing, Unavailable
from apps.core.lookups import array, bytes_array, numbers_array
from apps.keys import ending, epochs
from apps.keys.models import BlindIndex, Epoch, Journal, SubjectKey, Tombstone

_ALIAS = "keys"
_ENTOMB = """
    INSERT INTO keys_tombstone
        (controller_id, erased_on, expires_on, connection_id, remote_digest, record_id)
    SELECT %s, %s, %s, g.* FROM unnest(%s::uuid[], %s::bytea[], %s::uuid[]) AS g
    ON CONFLICT (connection_id, remote_digest, record_id) DO NOTHING
"""
_LOCK = """
    SELECT FROM keys_subjectkey WHERE controller_id = %s AND subject_id = ANY(%s::uuid[])
    ORDER BY subject_id FOR UPDATE
"""
_SHRED = """
    WITH gone AS (
        DELETE FROM keys_subjectkey
        WHERE controller_id = %s AND subject_id = ANY(%s::uuid[])
        RETURNING subject_id, epoch_id
    ), told AS (
        INSERT INTO keys_journal (subject_id, controller_id, epoch_id, seq)
        SELECT gone.subject_id, %s, gone.epoch_id, given.seq
        FROM unnest(%s::uuid[], %s::bigint[]) AS given (subject_id, seq)
        JOIN gone USING (subject_id)
        ORDER BY given.subject_id
        RETURNING epoch_id
    )
    SELECT epoch_id, count(*) FROM told GROUP BY epoch_id
"""
_UNFIND = "DELETE FROM keys_blindindex WHERE controller_id = %s AND subject_id = ANY(%s::uuid[])"


class KeyShredded(DomainError):
    """The subject's key is gone: nothing of theirs can be opened any more."""


def instance_key(purpose: str) -> bytes:
    """A key of the installation for one purpose (core.roots)."""
    return roots.derived(f"instance/{purpose}")


def new(subject_ids: Sequence[UUID], *, actor: Actor) -> dict[UUID, bytes]:
    """Data keys for new subjects, committed before this returns. Plain keys: do not keep."""
    controller_id = scope.current()
    with transaction.atomic(using=_ALIAS):
        epoch = ending.living(controller_id)
        epoch_key = epochs.load(epoch.pk)
        made = {subject_id: crypto.new_key() for subject_id in subject_ids}
        SubjectKey.objects.bulk_create(
            SubjectKey(
                subject_id=subject_id,
                controller_id=controller_id,
                epoch=epoch,
                wrapped=crypto.wrap(epoch_key, key, subject=subject_id, epoch=epoch.pk),
            )
            for subject_id, key in made.items()
        )
    return made


def open_many(subject_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """Data keys of the subjects in scope; shredded or unknown ones are absent."""
    wanted = list(subject_ids)
    try:
        return _opened(wanted)
    except Unavailable:
        # Their epoch may have ended between reading the rows and its key: they are under the
        # next one now. A key that is really missing is missing again.
        return _opened(wanted)


def _opened(subject_ids: list[UUID]) -> dict[UUID, bytes]:
    rows = SubjectKey.objects.filter(controller_id=scope.current(), subject_id__in=subject_ids)
    return {
        row.subject_id: crypto.unwrap(
            epochs.load(row.epoch_id),
            bytes(row.wrapped),
            subject=row.subject_id,
            epoch=row.epoch_id,
        )
        for row in rows
    }


def open_one(subject_id: UUID) -> bytes:
    """Raises KeyShredded when the subject has no key any more."""
    found = open_many([subject_id])
    if subject_id not in found:
        raise KeyShredded("key_shredded", _("This person's data were erased."))
    return found[subject_id]


def digest(kind: str, value: str) -> bytes:
    """Keyed digest of a value for the controller in scope (crypto.normalise applies)."""
    return crypto.blind(_blind_key(scope.current(), kind), kind=kind, value=value)


def index(entries: Iterable[tuple[UUID, str, str]]) -> None:
    """Make subjects findable: (subject id, kind, value) each. Repetitions are harmless.

    A subject without a key is left out: who was shredded meanwhile must not be found again. The
    lock on the keys makes a shredding wait, so that it takes these rows with it.
    """
    controller_id = scope.current()
    wanted = list(entries)
    with transaction.atomic(using=_ALIAS):
        keyed = SubjectKey.objects.select_for_update().filter(
            controller_id=controller_id,
            subject_id__in={subject_id for subject_id, _kind, _value in wanted},
        )
        # Under the epoch of the subject's own key: the lock keeps both where they are.
        epoch_of = dict(keyed.order_by("subject_id").values_list("subject_id", "epoch_id"))
        rows = {
            (subject_id, kind, _veiled(digest(kind, value), epoch_of[subject_id]))
            for subject_id, kind, value in wanted
            if subject_id in epoch_of
        }
        known = BlindIndex.objects.filter(
            controller_id=controller_id, subject_id__in=epoch_of.keys()
        ).values_list("subject_id", "kind", "digest")
        there = {(subject_id, kind, bytes(found)) for subject_id, kind, found in known}
        BlindIndex.objects.bulk_create(
            BlindIndex(
                controller_id=controller_id,
                kind=kind,
                digest=veiled,
                epoch_id=epoch_of[subject_id],
                subject_id=subject_id,
            )
            for subject_id, kind, veiled in sorted(rows - there)
        )


def _veiled(bare: bytes, epoch_id: UUID) -> bytes:
    return crypto.veil(epochs.load(epoch_id), bare)


def _spellings(bare: bytes, epoch_ids: Sequence[UUID]) -> Iterator[bytes]:
    """How a digest may be stored: veiled, as it was veiled before, or bare."""
    yield bare
    for epoch_id in epoch_ids:
        key = epochs.load(epoch_id)
        yield crypto.veil(key, bare)
        yield crypto.veil_once(key, bare, epoch=epoch_id)


def find(kind: str, values: Iterable[str]) -> dict[str, set[UUID]]:
    """Subjects of the controller in scope by value; a value nobody has is absent.

    Every spelling asked for is answered, also when several are one value (crypto.normalise).
    """
    wanted = list(values)
    try:
        return _find(kind, wanted)
    except Unavailable:
        return _find(kind, wanted)  # an epoch ended meanwhile: everybody is under the next one now


def _find(kind: str, values: Iterable[str]) -> dict[str, set[UUID]]:
    wanted, epoch_ids = list(values), _living_epochs()
    while True:
        found = _find_under(kind, wanted, epoch_ids)
        now = _living_epochs()
        if set(now) <= set(epoch_ids):
            return found
        epoch_ids = now  # one began meanwhile: some may be under it by now


def _living_epochs() -> list[UUID]:
    living = Epoch.objects.filter(controller_id=scope.current(), destroyed_at=None)
    return list(living.values_list("pk", flat=True))


def _find_under(
    kind: str, values: Iterable[str], epoch_ids: Sequence[UUID]
) -> dict[str, set[UUID]]:
    spellings: dict[bytes, set[str]] = {}
    for value in values:
        bare = digest(kind, value)
        for stored in _spellings(bare, epoch_ids):
            spellings.setdefault(stored, set()).add(value)
    rows = BlindIndex.objects.filter(
        controller_id=scope.current(), kind=kind, digest__in=list(spellings)
    ).values_list("digest", "subject_id")
    found: dict[str, set[UUID]] = {}
    for blinded, subject_id in rows:
        for value in spellings[bytes(blinded)]:
            found.setdefault(value, set()).add(subject_id)
    return found


#: A remote id that was erased: its connection, its digest, and whose record it was.
Grave = tuple[UUID, bytes, UUID]


def entomb(graves: Sequence[Grave], *, actor: Actor, erased_on: date, until: date) -> None:
    """Remember that these remote ids were erased, until a day. Repeating is harmless."""
    if not graves:
        return
    where, digests, whose = zip(*graves, strict=True)
    with transaction.atomic(using=_ALIAS), connections[_ALIAS].cursor() as cursor:
        cursor.execute(
            _ENTOMB,
            [scope.current(), erased_on, until, array(where), bytes_array(digests), array(whose)],
        )


def expire_tombstones(*, actor: Actor, before: date, limit: int = 10_000) -> int:
    """Forget the remote ids whose remembrance ended before a day. How many."""
    with transaction.atomic(using=_ALIAS):
        rows = Tombstone.objects.filter(controller_id=scope.current(), expires_on__lt=before)
        ended = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
        return Tombstone.objects.filter(pk__in=ended).delete()[0]


def tombstones(connection_id: UUID, digests: Sequence[bytes]) -> dict[bytes, date]:
    """The latest day each of these remote ids was erased; others are absent."""
    rows = Tombstone.objects.filter(
        controller_id=scope.current(), connection_id=connection_id, remote_digest__in=digests
    ).order_by("erased_on")
    return {bytes(row.remote_digest): row.erased_on for row in rows}


def shred(subject_id: UUID, *, actor: Actor, seq: int | None) -> UUID:
    """Destroy the data key and the blind indexes, and write the journal: one transaction.

    `seq` is the main database's number of this shredding, which it committed before.
    Returns the id of the epoch whose end makes it irreversible everywhere. Running it again
    after a crash, or beside another worker, returns the same. Raises Missing for a person who
    has no key and was never shredded.
    """
    found = shred_many({subject_id: seq}, actor=actor)
    if subject_id not in found:
        raise Missing(
            "key",
            _("This person has no key, and none was destroyed: look at the keys database."),
        )
    return found[subject_id]


def shred_many(seqs: Mapping[UUID, int | None], *, actor: Actor) -> dict[UUID, UUID]:
    """`shred` of many by set: subject → epoch. Who has no key and was never shredded is absent."""
    controller_id = scope.current()
    wanted = sorted(seqs)
    ids = array(wanted)
    with transaction.atomic(using=_ALIAS), connections[_ALIAS].cursor() as cursor:
        # In one order, and alone: whoever makes them findable meanwhile takes this lock too, so
        # that their rows are seen by the statement that removes them.
        cursor.execute(_LOCK, [controller_id, ids])
        numbers = numbers_array(seqs[one] for one in wanted)
        cursor.execute(_SHRED, [controller_id, ids, controller_id, ids, numbers])
        told = cursor.fetchall()
        cursor.execute(_UNFIND, [controller_id, ids])
        if len(told) == 1 and told[0][1] == len(wanted):
            return dict.fromkeys(wanted, told[0][0])
        # Several epochs; or some were shredded before, or never had a key.
        rows = Journal.objects.filter(subject_id__any=ids, controller_id=controller_id)
        return dict(rows.values_list("subject_id", "epoch_id"))


def forget(subject_ids: Sequence[UUID], *, actor: Actor) -> int:
    """Keys and indexes of people that a restored main database has never heard of: whoever they
    are, the next reading of their ATS brings them as new. How many."""
    controller_id = scope.current()
    with transaction.atomic(using=_ALIAS):
        mine = {"controller_id": controller_id, "subject_id__in": list(subject_ids)}
        BlindIndex.objects.filter(**mine).delete()
        return int(SubjectKey.objects.filter(**mine).delete()[0])


def journalled(subject_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these subjects the journal says were shredded."""
    rows = Journal.objects.filter(controller_id=scope.current(), subject_id__in=subject_ids)
    return set(rows.values_list("subject_id", flat=True))


def _blind_key(controller_id: UUID, kind: str) -> bytes:
    return roots.derived(f"blind/{controller_id}/{kind}")
