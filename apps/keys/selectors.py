"""Reads about epochs, of the controller in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Count, Max, QuerySet

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


def journal(*, after: UUID, limit: int = 1_000) -> list[tuple[UUID, int | None]]:
    """(subject or archive, number) of the controller in scope, by id."""
    rows = Journal.objects.filter(controller_id=scope.current(), pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", "seq")[:limit])


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How an epoch stands."""

    number: int
    started_at: datetime
    #: The day it ends, or ended.
    ends_on: date
    ended: bool
    #: Whether its key file is here: of a living one it must be, of an ended one it must not.
    sound: bool
    #: Keys it wraps now; keys it wrapped that were destroyed, and the day by whose end nobody
    #: opens what they sealed, in any backup.
    living: int
    destroyed: int
    irreversible_by: date


def standings() -> list[Standing]:
    """The epochs of the controller in scope, the newest first."""
    rows = Epoch.objects.filter(controller_id=scope.current()).order_by("-number")
    mine = {"controller_id": scope.current()}
    living = _per_epoch(SubjectKey.objects.filter(**mine))
    destroyed = _per_epoch(Journal.objects.filter(**mine))
    return [
        Standing(
            number=row.number,
            started_at=row.started_at,
            ends_on=row.destroyed_at.date() if row.destroyed_at else row.ends_on,
            ended=row.destroyed_at is not None,
            sound=epochs.exists(row.pk) == (row.destroyed_at is None),
            living=living.get(row.pk, 0),
            destroyed=destroyed.get(row.pk, 0),
            irreversible_by=_end(row),
        )
        for row in rows
    ]


def _per_epoch(rows: QuerySet[Any]) -> dict[UUID, int]:
    return dict(rows.order_by().values_list("epoch_id").annotate(n=Count("pk")))


def copies() -> list[Copy]:
    """Copies of the key files that still open, the last to expire first."""
    return list(Copy.objects.filter(expired_at=None).order_by("-expires_on"))


def shares_cluster() -> bool:
    """Whether both databases are of one PostgreSQL cluster: then they share the write-ahead log and
    base backups, and a key's row lies in the same backup as what it opens."""
    return _cluster("default") == _cluster("keys")


def _cluster(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        return int(cursor.fetchone()[0])
