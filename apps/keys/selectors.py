"""Reads about epochs, of the controller in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Max

from apps.core import scope
from apps.keys import epochs
from apps.keys.models import Copy, Epoch, Journal, SubjectKey


@dataclass(frozen=True, slots=True)
class Ended:
    """An epoch whose key is destroyed."""

    epoch_id: UUID
    ended_on: date
    rewrapped: int


@dataclass(frozen=True, slots=True)
class Shredded:
    """The two dates of a shredding (HOUSE invariant 7): effective, and irreversible everywhere."""

    epoch_id: UUID
    shredded_at: datetime
    irreversible_by: date


def ended() -> list[Ended]:
    """Epochs that are over and whose key files are gone: a file that a crash left is not."""
    rows = Epoch.objects.filter(controller_id=scope.current()).order_by("number")
    return [
        Ended(row.pk, row.destroyed_at.date(), row.rewrapped)
        for row in rows
        if row.destroyed_at is not None and not epochs.exists(row.pk)
    ]


def shredded(subject_ids: Sequence[UUID]) -> dict[UUID, Shredded]:
    """When these people were shredded and when that holds for every backup; others are absent."""
    lines = Journal.objects.filter(controller_id=scope.current(), subject_id__in=subject_ids)
    known = Epoch.objects.in_bulk({line.epoch_id for line in lines})
    return {
        line.subject_id: Shredded(line.epoch_id, line.shredded_at, _end(known[line.epoch_id]))
        for line in lines
    }


def last_seq() -> int:
    """The newest shredding the journal tells of, by the main database's number; 0: none."""
    return Journal.objects.aggregate(last=Max("seq"))["last"] or 0


def journal(*, after: int, limit: int = 1_000) -> list[tuple[int, UUID, int | None]]:
    """(id, subject or archive, number) of the controller in scope, the oldest first."""
    rows = Journal.objects.filter(controller_id=scope.current(), pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", "subject_id", "seq")[:limit])


def keyed(*, after: UUID, limit: int = 1_000) -> list[UUID]:
    """Whoever has a key, of the controller in scope, by id."""
    rows = SubjectKey.objects.filter(controller_id=scope.current(), subject_id__gt=after)
    return list(rows.order_by("subject_id").values_list("subject_id", flat=True)[:limit])


def _end(epoch: Epoch) -> date:
    """The day by whose end its key is gone here and in every copy that left this house. While it
    lives, copies may still be made, none of which outlives `copies_until`."""
    if epoch.destroyed_at is None:
        return max(epoch.ends_on, epoch.copies_until or epoch.ends_on)
    copies = Copy.objects.filter(made_at__gte=epoch.started_at, made_at__lte=epoch.destroyed_at)
    return max([epoch.destroyed_at.date(), *copies.values_list("expires_on", flat=True)])
