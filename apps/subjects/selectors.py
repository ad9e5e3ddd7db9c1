"""Reads of this room; opened values are for showing, never for keeping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Missing
from apps.keys import services as keys
from apps.subjects import sealing
from apps.subjects.models import Contact, Record, Subject
from apps.subjects.sealing import Identity


def records() -> QuerySet[Record]:
    """Records in scope, with subject and connection at hand."""
    return Record.objects.select_related("subject", "connection")


def record(record_id: UUID) -> Record:
    """Raises Missing, in the same words whether it never was or is another controller's."""
    found = records().filter(pk=record_id).first()
    if found is None:
        raise Missing("record", _("There is no such record."))
    return found


def identities(record_ids: Iterable[UUID]) -> dict[UUID, Identity]:
    """Who these records are about; shredded people are absent."""
    rows = list(records().filter(pk__in=list(record_ids)))
    opened = keys.open_many({row.subject_id for row in rows})
    return {
        row.pk: sealing.open_identity(row.subject, opened[row.subject_id])
        for row in rows
        if row.subject_id in opened and row.subject.state == Subject.State.LIVING
    }


def remote_ids(record_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The ATS's own ids; entombed records are absent."""
    rows = [row for row in records().filter(pk__in=list(record_ids)) if row.sealed_remote_id]
    opened = keys.open_many({row.subject_id for row in rows})
    return {
        row.pk: sealing.open_remote_id(row, opened[row.subject_id])
        for row in rows
        if row.subject_id in opened
    }


def family(subject_id: UUID) -> list[UUID]:
    """The subject and everyone merged with them: holds and consents count for all."""
    return family_of([subject_id])


def family_of(subject_ids: Sequence[UUID]) -> list[UUID]:
    """The subjects and everyone merged with any of them, in id order."""
    known: set[UUID] = set()
    wanted = set(subject_ids)
    while wanted - known:
        known |= wanted
        rows = Subject.objects.filter(Q(pk__in=known) | Q(merged_into__in=known))
        pairs = rows.values_list("pk", "merged_into")
        wanted = {one for pair in pairs for one in pair if one is not None}
    return sorted(known)


def find(*, email: str) -> list[UUID]:
    """Living subjects of the controller in scope with this e-mail address."""
    matches = keys.find("email", [email]).get(email, set())
    living = Subject.objects.filter(pk__in=matches, state=Subject.State.LIVING)
    return sorted(living.values_list("pk", flat=True))


def last_contact(subject_ids: Sequence[UUID]) -> date | None:
    """The last day one of these people was in touch, as far as anybody noted it."""
    rows = Contact.objects.filter(subject_id__in=list(subject_ids))
    return rows.aggregate(last=Max("happened_on"))["last"]  # type: ignore[no-any-return]  # a date or None
