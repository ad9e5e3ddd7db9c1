"""Under which names a log was signed: one for life, and one more for each time it was restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.audit import note, signing
from apps.audit.models import Continuation, Log


@dataclass(frozen=True, slots=True)
class Origin:
    """Signs the checkpoints of more than `size` entries, until the next one does."""

    log_id: UUID
    number: int
    size: int
    name: str
    vkey: str

    def signer(self) -> note.Signer:
        """Raises Unavailable when the key file is gone, or does not open."""
        return signing.signer(self.log_id, self.name, number=self.number)


def of(log: Log) -> list[Origin]:
    """All of a log, the first one first."""
    rows = Continuation.objects.filter(log=log).order_by("number")
    later = [Origin(log.pk, row.number, row.size, row.origin, row.vkey) for row in rows]
    return [Origin(log.pk, 1, 0, log.origin, log.vkey), *later]


def current(log: Log) -> Origin:
    return of(log)[-1]


def at(size: int, origins: Sequence[Origin]) -> Origin:
    """The one that signed a checkpoint of so many entries."""
    return [one for one in origins if one.number == 1 or one.size < size][-1]
