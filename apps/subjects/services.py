"""Writes of this room besides intake: what changed about people, and the locks that holds and
erasures share. Entombing, shredding and the ends of epochs: shredding.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Invalid, Missing
from apps.core.lookups import Array, array
from apps.subjects import events, selectors
from apps.subjects.models import Contact, Record, Subject


def touch(subject_ids: Iterable[UUID], *, actor: Actor) -> int:
    """Inside the caller's transaction: facts about these people changed, look again.

    Raises every record's version, so that a plan made before falls.
    """
    rows = list(
        Record.objects.select_for_update()
        .filter(subject_id__in=list(subject_ids))
        .exclude(state=Record.State.ERASED)
        .order_by("pk")
    )
    for row in rows:
        row.version += 1
    Record.objects.bulk_update(rows, ["version"])
    ask_again(row.pk for row in rows)
    return len(rows)


def lock_everyone() -> None:
    """Until the transaction ends nobody else has a family locked: what `lock_family` says to one
    person, this says to everyone of the controller."""
    _everyone("pg_advisory_xact_lock")


def _everyone(lock: str) -> None:
    with connection.cursor() as cursor:
        name = f"family/{scope.current()}"
        cursor.execute(f"SELECT {lock}(hashtextextended(%s, 0))", [name])


def look_again(*, standings: Sequence[int]) -> int:
    """Mark the records with an application that stands so; how many have one. Part of the
    caller's transaction, whose entry names the actor: nothing of theirs changed."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"controller": scope.current(), "standings": list(standings)})
        return int(cursor.rowcount)


def count_archived(*, subject_id: UUID, by: int) -> None:
    """One file more or less of a person that the intermediate archive keeps. Part of the caller's
    transaction, whose entry names the actor."""
    Subject.objects.filter(pk=subject_id).update(archived=F("archived") + by)


# A mark that is there already is written again, so that it is counted too.
_MARK: Final = """
    INSERT INTO subjects_change (record_id, controller_id)
    SELECT DISTINCT r.id, r.controller_id
    FROM subjects_application a JOIN subjects_record r ON r.id = a.record_id
    WHERE r.controller_id = %(controller)s AND r.state <> 'erased'
      AND a.standing_id = ANY(%(standings)s::bigint[])
    ORDER BY r.id
    ON CONFLICT (record_id) DO UPDATE SET controller_id = excluded.controller_id
"""


def ask_again(record_ids: Array | Iterable[UUID]) -> None:
    """Retention works these out anew: their grounds are older than their facts, or orphans. Part
    of the caller's transaction, whose entry names the actor."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO subjects_change (record_id, controller_id)"
            " SELECT id, %s FROM unnest(%s::uuid[]) AS id ORDER BY id"
            " ON CONFLICT (record_id) DO NOTHING",
            [scope.current(), array(record_ids)],
        )


@transaction.atomic
def note_contact(
    *, actor: Actor, subject_id: UUID, kind: str, happened_on: date, source: str
) -> Contact:
    """A day the candidate was in touch; some periods run from the last one.

    An e-mail sent, opened or ignored and a recruiter's note are no contact (CNIL): they have no
    kind, so that nothing a recruiter does prolongs a period. Raises Refused, Missing, or Invalid
    for another kind and for a day in the future.
    """
    if actor.kind == "user":
        require_role(actor, Role.RECOPS, Role.DPO)
    if kind not in Contact.Kind.values:
        message = _("Only what comes from the candidate counts. Use one of: %(names)s.")
        raise Invalid("kind", message % {"names": ", ".join(Contact.Kind.values)}, field="kind")
    if happened_on > clock.today(controllers.current().time_zone):
        raise Invalid("future", _("The date is in the future."), field="happened_on")
    family = selectors.family(subject_id)
    lock_family(family)
    if not Subject.objects.filter(pk=subject_id, state=Subject.State.LIVING).exists():
        raise Missing("subject", _("There is no such person."))
    made: Contact = Contact.objects.create(
        subject_id=subject_id, kind=kind, happened_on=happened_on, source=source
    )
    touch(family, actor=actor)
    audit.record(
        events.CONTACT_NOTED,
        actor=actor,
        object_id=subject_id,
        refs={"contact": made.pk},
        codes={"kind": kind},
        dates={"happened_on": happened_on},
    )
    return made


def lock_family(subject_ids: Sequence[UUID]) -> list[Record]:
    """Lock every record of these subjects, in one order: holds and `sent` take this lock.

    Whoever is about to hold people by a query waits for everyone here (lock_everyone).
    """
    _everyone("pg_advisory_xact_lock_shared")
    rows = Record.objects.select_for_update().filter(subject_id__in=list(subject_ids))
    return list(rows.order_by("pk"))


def mark_sending(*, actor: Actor, record_id: UUID, step_id: UUID | None) -> None:
    """Inside the transaction that commits `sent` (or ends it, with None)."""
    Record.objects.filter(pk=record_id).update(sending_step=step_id)


@transaction.atomic
def mark_gone(*, actor: Actor, record_ids: Sequence[UUID]) -> int:
    """The ATS no longer returns these records although nobody here erased them."""
    rows = list(
        Record.objects.select_for_update()
        .filter(pk__in=record_ids, state=Record.State.PRESENT, sending_step=None)
        .order_by("pk")
    )
    for row in rows:
        row.state, row.version = Record.State.GONE, row.version + 1
        audit.record(
            events.RECORD_GONE,
            actor=actor,
            object_id=row.pk,
            refs={"connection": row.connection_id},
        )
    Record.objects.bulk_update(rows, ["state", "version"])
    ask_again(row.pk for row in rows)
    return len(rows)
