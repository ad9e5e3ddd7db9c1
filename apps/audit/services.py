"""Writing the ledger: staging entries with their cause, and sealing them.

Two steps, so that no writer waits. `record` inserts an entry without a position, inside the
caller's transaction: both become true together or not at all, and no lock is taken. One runner
then calls `integrate`, which in a single transaction moves what is pending into the log,
extends the tiles, signs the new root and publishes it. Killed at any instant, it has either
done all of that or nothing; entries are never lost and never placed twice.

Before it signs, `integrate` recomputes the last signed root from the stored tiles. On top of
a log that was tampered with it signs nothing: it raises, and `verify_ledger` names the place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, LiteralString, Unpack
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from apps.audit import bodies, events, merkle, note, origins, signing, tiles
from apps.audit.models import Checkpoint, Continuation, Log, Pending, Tile
from apps.audit.origins import Origin
from apps.audit.verbs import Verb, declared
from apps.core import scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Conflict, DomainError, Missing
from apps.core.lookups import Array, array

#: The ledger of the installation: sign-ins, packs, keys, and the checkpoints of the others.
INSTANCE = UUID(int=0)

# When: by the clock that all machines share (core.clock), in the statement itself.
_AT: LiteralString = """
    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
"""
_STAGE: LiteralString = f"""
    INSERT INTO audit_pending (log_id, verb, object_id, body)
    VALUES (%b, %b, %b, %b || convert_to({_AT}, 'UTF8') || %b)
"""  # noqa: S608 - constants only
_STAGE_EACH: LiteralString = f"""
    INSERT INTO audit_pending (log_id, verb, object_id, body)
    SELECT %b, %b, o.id,
           convert_to(%b || t.at || %b || o.entry || %b || o.id || %b, 'UTF8')
    FROM (SELECT {_AT} AS at) t,
         unnest(%t::uuid[], %t::uuid[]) WITH ORDINALITY AS o (id, entry, n) ORDER BY o.n
"""  # noqa: S608 - constants only
_STAGE_PAIRS: LiteralString = f"""
    INSERT INTO audit_pending (log_id, verb, object_id, body)
    SELECT %b, %b, o.id,
           convert_to(%b || t.at || %b || o.ref || %b || o.entry || %b || o.id || %b, 'UTF8')
    FROM (SELECT {_AT} AS at) t,
         unnest(%t::uuid[], %t::uuid[], %t::uuid[]) WITH ORDINALITY AS o (id, ref, entry, n)
    ORDER BY o.n
"""  # noqa: S608 - constants only
# Before whatever waits: the order is that of the ids, which are above zero otherwise.
_STAGE_FIRST: LiteralString = f"""
    INSERT INTO audit_pending (id, log_id, verb, object_id, body)
    VALUES (-nextval(pg_get_serial_sequence('audit_pending', 'id')),
            %b, %b, %b, %b || convert_to({_AT}, 'UTF8') || %b)
"""  # noqa: S608 - constants only
#: The variant's two bits, and two that were drawn.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
#: Stands for a reference that differs from entry to entry; nobody's id.
_PLACE_OF_REF = UUID(int=2**128 - 1)
# True once the log is committed: it was not made by the transaction that asks.
_OPENED = "SELECT created_at < transaction_timestamp() FROM audit_log WHERE id = %s"
_PLACE = "SELECT first, placed, hashes FROM audit_place(%b, %b::integer)"
_PUBLISH = """
    SELECT audit_publish(%b, %b, %b, %b, %b, %b::integer[], %b::bigint[], %b::bytea[])
"""


def open_log(*, log_id: UUID, actor: Actor) -> Log:
    """The log with this id, made with its signing key when it is new. Call it in the
    transaction that creates the controller. Raises Unavailable without a root key."""
    with transaction.atomic():
        found = Log.objects.filter(pk=log_id).first()
        if found is not None:
            return found
        signing.create(log_id)
        key = signing.signer(log_id, signing.origin(log_id)).verifier
        Log.objects.bulk_create(
            [Log(id=log_id, origin=key.name, vkey=str(key))], ignore_conflicts=True
        )
        record(events.LOG_OPENED, actor=actor, log_id=log_id, commitments={"key": key.public})
        return Log.objects.get(pk=log_id)


def record(
    verb: Verb,
    *,
    actor: Actor,
    log_id: UUID | None = None,
    object_id: UUID | None = None,
    **given: Unpack[bodies.Given],
) -> None:
    """Stage one entry in the caller's transaction, in the log of the scope unless `log_id`.

    `given`: refs, counts, codes, commitments (32 bytes each), dates, each a mapping of keys
    the verb declares. Raises TransactionManagementError outside a transaction, Invalid for
    anything undeclared, Missing when the log was never opened.
    """
    log = _log(log_id)
    known = bodies.facts(declared(verb), given)
    body = bodies.compose(verb.name, actor=actor, log=log, target=object_id, known=known)
    _stage(_STAGE, [log, verb.name, object_id, *body])


def record_each(
    verb: Verb,
    *,
    actor: Actor,
    object_ids: Sequence[UUID],
    log_id: UUID | None = None,
    **given: Unpack[bodies.Given],
) -> int:
    """One entry per object by one statement; all else is the same in each. How many.

    Raises as `record` does.
    """
    log = _log(log_id)
    known = bodies.facts(declared(verb), given)
    parts = bodies.template(verb.name, actor=actor, log=log, known=known)
    if not object_ids:
        return 0
    entries = _entry_ids(len(object_ids))
    return _stage(_STAGE_EACH, [log, verb.name, *parts, array(object_ids), entries])


def record_pairs(verb: Verb, *, actor: Actor, ref: str, pairs: Sequence[tuple[UUID, UUID]]) -> int:
    """One entry for each (object, what `ref` is there), by one statement. How many.

    Raises as `record` does.
    """
    log = _log(None)
    known = bodies.facts(declared(verb), {"refs": {ref: _PLACE_OF_REF}})
    opens, between, rest, after = bodies.template(verb.name, actor=actor, log=log, known=known)
    before_ref, after_ref = between.split(str(_PLACE_OF_REF))
    if not pairs:
        return 0
    ids, refs = (array(column) for column in zip(*pairs, strict=True))
    entries, parts = _entry_ids(len(pairs)), (opens, before_ref, after_ref, rest, after)
    return _stage(_STAGE_PAIRS, [log, verb.name, *parts, ids, refs, entries])


def _entry_ids(count: int) -> Array:
    """UUIDv4 for so many entries (RFC 9562 §5.4): one draw takes a tenth of the time that the
    database takes for one each."""
    drawn = os.urandom(16 * count).hex()
    each = (drawn[at : at + 32] for at in range(0, len(drawn), 32))
    spelled = [f"{one[:12]}4{one[13:16]}{_VARIANT[one[16]]}{one[17:]}" for one in each]
    return Array(f"{{{','.join(spelled)}}}")


def _log(log_id: UUID | None) -> UUID:
    return scope.current() if log_id is None else log_id


def _stage(statement: LiteralString, values: list[Any]) -> int:
    """`values` begins with the log. Every business transaction waits for this: see `_raw`."""
    database = connections[DEFAULT_DB_ALIAS]
    if not database.in_atomic_block:
        raise transaction.TransactionManagementError(
            "a ledger entry is written in the transaction of its cause"
        )
    if values[0] not in _opened.get(database.connection, ()):
        _find_log(values[0])
    with database.wrap_database_errors:
        return int(_raw(database).execute(statement, values).rowcount)


def _raw(database: BaseDatabaseWrapper) -> psycopg.Cursor[tuple[Any, ...]]:
    """The driver's own cursor on Django's connection: values go beside the statement in binary,
    where Django's would write them into it (hashes in hex), at half the speed."""
    return psycopg.Cursor(database.connection)


#: Logs that each open connection has seen committed. A log is never removed, so that it need
#: not be looked up for every entry; a foreign key would lock its row for every writer.
_opened: WeakKeyDictionary[Any, set[UUID]] = WeakKeyDictionary()


def _find_log(log_id: UUID) -> None:
    """The installation's log is opened by its first entry. Raises Missing for any other."""
    with connection.cursor() as cursor:
        cursor.execute(_OPENED, [log_id])
        row = cursor.fetchone()
    if row is None and log_id == INSTANCE:
        open_log(log_id=INSTANCE, actor=SYSTEM)
    elif row is None:
        raise Missing("log", _("This legal entity has no ledger."))
    elif row[0]:
        _opened.setdefault(connection.connection, set()).add(log_id)


@transaction.atomic
def continue_log(*, log_id: UUID, actor: Actor) -> None:
    """The log of a restored database goes on under another name and another key: entries made
    after the backup may be known outside, and nothing may be signed in their place.

    The first entry under the new name tells the old size and root, before whatever still waited.
    Raises Missing for an unknown log, Unavailable without the keys.
    """
    log = Log.objects.filter(pk=log_id).first()
    if log is None:
        raise Missing("log", _("This legal entity has no ledger."))
    head = Checkpoint.objects.filter(log=log).order_by("-size").first()
    size, root = (head.size, bytes(head.root)) if head else (0, merkle.EMPTY_ROOT)
    number = origins.current(log).number + 1
    while signing.exists(log_id, number=number):
        number += 1  # restored before from an older backup: that name is taken for good
    signing.create(log_id, number=number)
    name = signing.next_origin(log_id, number)
    key = signing.signer(log_id, name, number=number).verifier
    Continuation.objects.create(log=log, number=number, size=size, origin=name, vkey=str(key))
    known = bodies.facts(
        events.CONTINUED,
        {
            "counts": {"size": size, "number": number},
            "commitments": {"root": root, "key": key.public},
        },
    )
    verb = events.CONTINUED.name
    body = bodies.compose(verb, actor=actor, log=log_id, target=None, known=known)
    _stage(_STAGE_FIRST, [log_id, verb, None, *body])


def integrate(*, log_id: UUID | None = None, limit: int = 10_000) -> int:
    """Place and seal what is pending, in batches of `limit`, one transaction each; how many.

    Without `log_id`, every log in turn, the installation's last, which takes the others'
    checkpoints; a log that cannot be sealed does not stop the others, but is raised at the
    end. Raises Missing for an unknown log, Unavailable without the signing key, and Conflict
    on top of a log that was tampered with. Must not be called in a transaction.
    """
    if log_id is not None:
        return sum(_batches(log_id, limit))
    placed, failure = 0, None
    for waiting in _waiting():
        try:
            placed += sum(_batches(waiting, limit))
        except DomainError as error:
            failure = error
    if failure is not None:
        raise failure
    return placed


def _waiting() -> Iterator[UUID]:
    staged = Exists(Pending.objects.filter(log=OuterRef("pk")))
    yield from Log.objects.filter(staged).exclude(pk=INSTANCE).values_list("pk", flat=True)
    if Log.objects.filter(staged, pk=INSTANCE).exists():
        yield INSTANCE


def _batches(log_id: UUID, limit: int) -> Iterator[int]:
    """Until a batch comes out short: what is staged meanwhile is for the next call."""
    moved = limit
    while moved == limit:
        with transaction.atomic(durable=True):
            moved = _seal(log_id, limit)
        yield moved


def _seal(log_id: UUID, limit: int) -> int:
    log = Log.objects.filter(pk=log_id).first()
    if log is None:
        raise Missing("log", _("This legal entity has no ledger."))
    first, placed, leaves = _call(_PLACE, [log.pk, limit])
    if leaves:
        _publish(log, origins.of(log), first, leaves)
    return int(placed)


def _call(statement: LiteralString, values: list[Any]) -> tuple[Any, ...]:
    with connection.wrap_database_errors:
        (row,) = _raw(connections[DEFAULT_DB_ALIAS]).execute(statement, values, binary=True)
    return row


def _publish(log: Log, names: Sequence[Origin], old: int, leaves: bytes) -> None:
    origin = names[-1]
    signer = origin.signer()
    size = old + len(leaves) // merkle.HASH_BYTES
    edge = _edge(log, old)
    try:
        _check_last(log, origins.at(old, names), old, edge)
        changed = tiles.grow(old, edge, leaves)
    except (tiles.TileError, note.NoteError, Checkpoint.DoesNotExist) as error:
        raise Conflict(
            "ledger_tampered",
            _("What is stored does not match the ledger's last seal. Run verify_ledger."),
        ) from error
    root = tiles.root(size, tiles.edge_after(size, edge, changed))
    signed = signer.sign(note.Checkpoint(origin.name, size, root).text)
    columns = zip(*((tile.level, tile.number, tile.hashes) for tile in changed), strict=True)
    _call(_PUBLISH, [log.pk, old, size, root, signed, *map(list, columns)])
    if log.pk != INSTANCE:
        _tell_instance(log, size, root)


def _edge(log: Log, size: int) -> dict[int, bytes]:
    """The partial tiles of a tree of that size, as stored."""
    places = [(log.pk, level, number) for level, number, _ in tiles.edge(size)]
    rows = Tile.objects.filter(pk__in=places).values_list("level", "hashes") if places else ()
    return {level: bytes(hashes) for level, hashes in rows}


def _check_last(log: Log, origin: Origin, size: int, edge: dict[int, bytes]) -> None:
    """Raises unless the last checkpoint is ours and its root comes out of the stored tiles."""
    if size:
        stored = Checkpoint.objects.get(log=log, size=size)
        head = note.open_checkpoint(stored.note, origin.signer().verifier)
        roots = {head.root, bytes(stored.root), tiles.root(size, edge)}
        if head.size != size or len(roots) != 1:
            raise note.NoteError("the tiles do not give the signed root")


def _tell_instance(log: Log, size: int, root: bytes) -> None:
    """A second place that remembers this checkpoint. The installation's own log has none:
    it would feed itself for ever; its checkpoints leave the house instead."""
    record(
        events.CHECKPOINTED,
        actor=SYSTEM,
        log_id=INSTANCE,
        object_id=log.pk,
        counts={"size": size},
        commitments={"root": root},
    )
