"""Reading the ledger. An entry is shown from its body, inside the scope of its controller;
the installation's log holds no controller's affairs and is shown where a door allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.utils.translation import gettext_lazy as _

from apps.audit import bodies, merkle, note, tiles, verbs
from apps.audit.models import Checkpoint, Entry, Log, Pending, Tile
from apps.audit.services import INSTANCE
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import Missing


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry for people: `sentence` in the reader's language, all else from the body."""

    index: int
    body: bodies.Body

    @property
    def sentence(self) -> str:
        return verbs.sentence(self.body.verb, self.body.facts)


def entries(
    log_id: UUID | None = None,
    *,
    verb: str | None = None,
    object_id: UUID | None = None,
    actor: Actor | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Shown]:
    """Newest first, below index `before` when given. The log of the scope unless `log_id`,
    which may otherwise only be INSTANCE. Raises ScopeError for another controller's log."""
    rows = Entry.objects.filter(log=_readable(log_id))
    if verb is not None:
        rows = rows.filter(verb=verb)
    if object_id is not None:
        rows = rows.filter(object_id=object_id)
    if actor is not None:
        head = bodies.opening(actor).encode()
        rows = rows.annotate(head=Substr("body", 1, len(head), output_field=BinaryField())).filter(
            head=head
        )
    if before is not None:
        rows = rows.filter(index__lt=before)
    chosen = rows.order_by("-index").values_list("index", "body")[:limit]
    return [Shown(index, bodies.parse(bytes(body))) for index, body in chosen]


def told(verb: verbs.Verb, object_ids: Sequence[UUID]) -> set[UUID]:
    """Of which of these objects the log of the scope has such an entry, placed or still staged."""
    mine = {"log": scope.current(), "verb": verb.name, "object_id__in": object_ids}
    # Staged first: an entry that is placed between the two questions is seen by the second.
    staged = set(Pending.objects.filter(**mine).values_list("object_id", flat=True))
    placed = set(Entry.objects.filter(**mine).values_list("object_id", flat=True))
    return {object_id for object_id in staged | placed if object_id is not None}


def entry(index: int, log_id: UUID | None = None) -> Shown:
    """Raises Missing, and ScopeError as `entries` does."""
    return Shown(index, bodies.parse(_body(_readable(log_id), index)))


def inclusion_proof(index: int, log_id: UUID | None = None) -> tuple[bytes, str]:
    """(body, tlog-proof text): an entry and its proof under the newest checkpoint, to be
    verified by anyone with the log's key. Raises Missing, and ScopeError as `entries` does."""
    log = _readable(log_id)
    head = checkpoint(log)
    body = _body(log, index)
    if head is None or index >= head.size:
        raise Missing("entry", _("The ledger has no such sealed entry."))
    node = tiles.reader(lambda level, number: _tile(log, level, number))
    path = merkle.inclusion_proof(index, head.size, node)
    return body, note.Proof(index, path, head.note).text


def _readable(log_id: UUID | None) -> UUID:
    if log_id == INSTANCE:
        return log_id
    current = scope.current()
    if log_id not in (None, current):
        raise scope.ScopeError("another controller's ledger was asked for")
    return current


def _body(log_id: UUID, index: int) -> bytes:
    body = Entry.objects.filter(log=log_id, index=index).values_list("body", flat=True).first()
    if body is None:
        raise Missing("entry", _("The ledger has no such sealed entry."))
    return bytes(body)


def _tile(log_id: UUID, level: int, number: int) -> bytes:
    found = Tile.objects.filter(log=log_id, level=level, number=number)
    hashes = found.values_list("hashes", flat=True).first()
    return bytes(hashes or b"")


def log(log_id: UUID) -> Log:
    """Raises Missing."""
    found = Log.objects.filter(pk=log_id).first()
    if found is None:
        raise Missing("log", _("This legal entity has no ledger."))
    return found


def logs() -> Sequence[Log]:
    """Every log, the installation's first."""
    return list(Log.objects.order_by("pk"))


def checkpoint(log_id: UUID) -> Checkpoint | None:
    """The newest signed head; None while nothing was sealed."""
    return Checkpoint.objects.filter(log=log_id).order_by("-size").first()


def size(log_id: UUID) -> int:
    """How many entries are sealed."""
    head = checkpoint(log_id)
    return head.size if head else 0


def pending(log_id: UUID) -> int:
    """How many entries wait for their place."""
    return Pending.objects.filter(log=log_id).count()
