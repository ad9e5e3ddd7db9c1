"""Reads about epochs, of the controller in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from apps.core import scope
from apps.keys import epochs
from apps.keys.models import Epoch, Journal


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


def _end(epoch: Epoch) -> date:
    return epoch.ends_on if epoch.destroyed_at is None else epoch.destroyed_at.date()
