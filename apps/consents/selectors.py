"""Reads of this room."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from apps.consents.models import ConsentEvent


def current(subject_ids: Sequence[UUID], purpose: str) -> dict[UUID, ConsentEvent]:
    """The last event of each subject for a purpose; people who never answered are absent."""
    rows = (
        ConsentEvent.objects.filter(subject_id__in=list(subject_ids), purpose=purpose)
        .order_by("subject_id", "-sequence")
        .distinct("subject_id")
    )
    return {row.subject_id: row for row in rows}


def history(subject_id: UUID) -> list[ConsentEvent]:
    """Everything a subject said, oldest first."""
    return list(ConsentEvent.objects.filter(subject_id=subject_id).order_by("purpose", "sequence"))
