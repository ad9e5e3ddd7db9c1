"""After a restore: whoever the keys' journal says was shredded is shredded here too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from apps.audit import services as audit
from apps.core import clock
from apps.core.actors import Actor
from apps.subjects import events, services, shredding, tallies, telling
from apps.subjects.models import Application, Record, Subject


def known(subject_ids: Sequence[UUID]) -> set[UUID]:
    return set(Subject.objects.filter(pk__in=subject_ids).values_list("pk", flat=True))


def unshredded(subject_ids: Sequence[UUID]) -> list[UUID]:
    """Of these people, who is not shredded here."""
    rows = Subject.objects.filter(pk__in=subject_ids).exclude(state=Subject.State.SHREDDED)
    return list(rows.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def shred_again(*, actor: Actor, subject_ids: Sequence[UUID], seqs: Mapping[UUID, int]) -> int:
    """Their keys are gone, so that nothing of theirs opens: say so of their rows. `seqs`: the
    number of each shredding. Returns how many records that were."""
    total = 0
    for subject_id in unshredded(subject_ids):
        records = Record.objects.select_for_update().filter(subject_id=subject_id)
        ids = list(records.order_by("pk").values_list("pk", flat=True))
        tallies.count(actor=actor, record_ids=ids)
        Application.objects.filter(record_id__in=ids).delete()
        living = Record.objects.filter(pk__in=ids).exclude(state=Record.State.ERASED)
        count = living.update(state=Record.State.ERASED, erased_at=clock.now(), **shredding.EMPTIED)
        services.ask_again(ids)
        telling.lose([subject_id])
        shredding.unname([subject_id])
        Subject.objects.filter(pk=subject_id).update(
            state=Subject.State.SHREDDED,
            shredded_at=clock.now(),
            shred_seq=seqs.get(subject_id),
            **shredding.UNNAMED,
        )
        audit.record(
            events.SHREDDING_REPLAYED,
            actor=actor,
            object_id=subject_id,
            counts={"records": count},
        )
        total += count
    return total
