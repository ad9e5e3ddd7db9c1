"""Is the ledger what was signed? Everything recomputed from the bodies; nothing stored is
believed except the signing key's own file.

Entries placed while this runs are left for the next run: entries are read up to the newest
checkpoint seen at the start, and what holds for the whole (widths, nothing unsealed) is asked
in one statement, so that it speaks of one instant.

What it cannot see: a log rewritten and signed anew by somebody who holds the database *and*
the signing key. Only a checkpoint kept outside the house shows that; for the logs of
controllers, the installation's log is a second witness inside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import bodies, events, merkle, note, origins, tiles
from apps.audit.models import Checkpoint, Entry, Log, Tile
from apps.audit.origins import Origin
from apps.audit.replay import Bad, Finding, Replay
from apps.audit.services import INSTANCE
from apps.core.errors import Missing, Unavailable

SENTENCES = {
    "entry_altered": _("Entry %(index)s was changed after it was sealed."),
    "entry_missing": _("Entry %(index)s is missing."),
    "misfiled": _("Entry %(index)s is filed under another word or object than it says."),
    "rewritten": _("The entries from %(index)s on do not give the signed root."),
    "not_sealed": _("Entry %(index)s is in the log, but no checkpoint covers it."),
    "tile_altered": _("The stored hashes %(place)s do not match the entries."),
    "checkpoint_forged": _("The checkpoint of %(place)s entries is not signed by this log's key."),
    "contradicted": _(
        "The installation's ledger remembers a checkpoint of %(place)s entries"
        " that this log does not have."
    ),
    "key_changed": _("The published key is not the one in the key file."),
    "key_missing": _("The signing key's file is missing or does not open."),
}

#: index, body, verb, object as JSON.
Row = tuple[int, bytes, str, str]
#: Entries read at a time: 40 full tiles.
CHUNK = 40 * tiles.WIDTH

_WALK = """
    SELECT index, body, verb, coalesce('"' || object_id || '"', 'null')
    FROM audit_entry WHERE log_id = %s AND index < %s ORDER BY index
"""
# One statement, one snapshot: entries, newest checkpoint, and the first tile that is not as
# wide as that checkpoint's size demands, or that should be there and is not.
_SHAPE = """
    WITH head AS (
        SELECT coalesce(max(size), 0) AS size FROM audit_checkpoint WHERE log_id = %(log)s
    ), expected AS (
        SELECT l AS level, n AS number, least(256, (size >> (8 * l)) - n * 256) AS width
        FROM head, generate_series(0, 7) AS l,
            generate_series(0::bigint, (((size >> (8 * l)) + 255) >> 8) - 1) AS n
    ), stored AS (
        SELECT level, number, octet_length(hashes) / 32 AS width
        FROM audit_tile WHERE log_id = %(log)s
    )
    SELECT
        (SELECT size FROM head),
        (SELECT coalesce(max(index) + 1, 0) FROM audit_entry WHERE log_id = %(log)s),
        (SELECT array[coalesce(e.level, s.level), coalesce(e.number, s.number)]
         FROM expected e FULL JOIN stored s ON e.level = s.level AND e.number = s.number
         WHERE e.width IS DISTINCT FROM s.width
         ORDER BY coalesce(e.level, s.level), coalesce(e.number, s.number) LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`first_bad` is an entry's index; `size` and `root` are of the newest checkpoint."""

    log_id: UUID
    ok: bool
    size: int
    root: bytes
    first_bad: int | None = None
    reason: str | None = None
    place: str = ""

    @property
    def sentence(self) -> str:
        if self.reason is None:
            return str(_("The ledger is whole: %(size)s entries.") % {"size": self.size})
        return str(SENTENCES[self.reason] % {"index": self.first_bad, "place": self.place})


def verify(log_id: UUID) -> Verdict:
    """Recompute a log, from the first entry to the newest checkpoint. Raises Missing when
    there is no such log; all else that is wrong is in the verdict."""
    log = Log.objects.filter(pk=log_id).first()
    if log is None:
        raise Missing("log", _("This legal entity has no ledger."))
    head = Checkpoint.objects.filter(log=log).order_by("-size").first()
    size, root = (head.size, bytes(head.root)) if head else (0, merkle.EMPTY_ROOT)
    try:
        with transaction.atomic():
            _check(log, size)
    except Bad as bad:
        found = bad.finding
        return Verdict(log.pk, False, size, root, found.index, found.reason, found.place)
    return Verdict(log.pk, True, size, root)


def verify_all() -> Iterator[Verdict]:
    """Every log, the installation's first: it bears witness for the others."""
    for log_id in Log.objects.order_by("pk").values_list("pk", flat=True):
        yield verify(log_id)


def _check(log: Log, size: int) -> None:
    witnessed = _witnessed(log)
    roots = _signed_roots(log, _keys(log), size)
    for seen, root in witnessed.items():
        if seen <= size and roots.setdefault(seen, root) != root:
            raise Bad(Finding("contradicted", place=str(seen)))
    replay = Replay(roots)
    for rows in _rows(log, size):
        _feed(replay, log, rows)
    if replay.size < size:
        replay.stop(Finding("entry_missing", replay.size))
    replay.check_upper(_upper_tiles(log))
    _check_shape(log, max(witnessed, default=0))


def _feed(replay: Replay, log: Log, rows: list[Row]) -> None:
    """One chunk, up to the first row that is out of place or misfiled."""
    start = replay.size
    stored = _tiles(log, start, len(rows))
    finding = None
    if rows[-1][0] != start + len(rows) - 1:  # ordered and unique, so only a gap can do this
        kept = next(n for n, row in enumerate(rows) if row[0] != start + n)
        finding, rows = Finding("entry_missing", start + kept), rows[:kept]
    misfiled = _misfiled(log, rows)
    if misfiled is not None:
        finding, rows = Finding("misfiled", start + misfiled), rows[: misfiled + 1]
    sha256, prefix = hashlib.sha256, merkle.LEAF_PREFIX
    replay.feed([sha256(prefix + row[1]).digest() for row in rows], stored)
    if finding is not None:
        replay.stop(finding)


def _misfiled(log: Log, rows: list[Row]) -> int | None:
    """The first row whose columns are not what its body ends in (bodies.py)."""
    start, end = f'"log":"{log.pk}","object":', f',"v":{bodies.VERSION},"verb":"'
    for position, (_index, body, verb, target) in enumerate(rows):
        if not body.endswith(f'{start}{target}{end}{verb}"}}'.encode()):
            return position
    return None


def _keys(log: Log) -> dict[Origin, note.VerifierKey]:
    """The key of each of the log's names, from its file."""
    found = {}
    for origin in origins.of(log):
        try:
            key = origin.signer().verifier
        except (Unavailable, note.NoteError) as error:
            raise Bad(Finding("key_missing")) from error
        if str(key) != origin.vkey:
            raise Bad(Finding("key_changed"))
        found[origin] = key
    return found


def _signed_roots(log: Log, keys: dict[Origin, note.VerifierKey], size: int) -> dict[int, bytes]:
    roots = {}
    for stored in Checkpoint.objects.filter(log=log, size__lte=size).iterator():
        origin = origins.at(stored.size, list(keys))
        expected = note.Checkpoint(origin.name, stored.size, bytes(stored.root))
        try:
            signed = note.open_checkpoint(stored.note, keys[origin]) == expected
        except note.NoteError:
            signed = False
        if not signed:
            raise Bad(Finding("checkpoint_forged", place=str(stored.size)))
        roots[stored.size] = expected.root
    return roots


def _witnessed(log: Log) -> dict[int, bytes]:
    """The checkpoints of this log that the installation's log remembers."""
    told = Entry.objects.filter(
        log=INSTANCE, object_id=log.pk, verb=events.CHECKPOINTED.name
    ).values_list("body", flat=True)
    found = {}
    for body in told.iterator():
        facts = json.loads(bytes(body))["facts"]
        found[facts["counts"]["size"]] = bytes.fromhex(facts["commitments"]["root"])
    return found


def _rows(log: Log, size: int) -> Iterator[list[Row]]:
    """In binary and from a cursor in the server: memory stays flat, and hex costs a third."""
    with psycopg.ServerCursor(connection.connection, "audit_walk") as cursor:
        cursor.execute(_WALK, [log.pk, size], binary=True)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def _tiles(log: Log, start: int, count: int) -> dict[int, bytes]:
    first, last = start // tiles.WIDTH, (start + count) // tiles.WIDTH
    rows = Tile.objects.filter(log=log, level=0, number__range=(first, last))
    return {number: bytes(data) for number, data in rows.values_list("number", "hashes")}


def _upper_tiles(log: Log) -> dict[tuple[int, int], bytes]:
    rows = Tile.objects.filter(log=log, level__gt=0).values_list("level", "number", "hashes")
    return {(level, number): bytes(data) for level, number, data in rows.iterator()}


def _check_shape(log: Log, witnessed: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SHAPE, {"log": log.pk})
        size, entries, tile = cursor.fetchone()
    if size < witnessed:
        raise Bad(Finding("contradicted", place=str(witnessed)))
    if entries != size:
        reason = "not_sealed" if entries > size else "entry_missing"
        raise Bad(Finding(reason, min(entries, size)))
    if tile is not None:
        raise Bad(Finding("tile_altered", place=tiles.path(*tile)))
