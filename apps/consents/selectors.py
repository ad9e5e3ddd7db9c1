"""Reads of this room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db.models import Min

from apps.consents.models import ConsentEvent, NoticeGiven


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


def notices(subject_ids: Sequence[UUID]) -> list[str]:
    """Versions of the notices these people were given, with a consent or under art. 14."""
    given = NoticeGiven.objects.filter(subject_id__in=list(subject_ids))
    asked = ConsentEvent.objects.filter(subject_id__in=list(subject_ids)).exclude(notice="")
    found = {*given.values_list("notice", flat=True), *asked.values_list("notice", flat=True)}
    return sorted(found)


def informed_on(subject_ids: Sequence[UUID]) -> date | None:
    """The day one of these people was first told under GDPR art. 14; None: never.

    A later notice is a reminder: no period begins again by what the recruiter sends.
    """
    rows = NoticeGiven.objects.filter(subject_id__in=list(subject_ids))
    return rows.aggregate(first=Min("given_on"))["first"]  # type: ignore[no-any-return]  # a date or None
