"""Writes of this room besides intake: marking for erasure, entombing, shredding, epochs.

Shredding crosses two databases (HOUSE §5). `entomb` commits in main: the record is erased and,
when it was the person's last, the subject is `shredding`. `finish_shredding` then destroys key
and blind indexes in the keys database, and only then says `shredded` in main with its ledger
entry. A crash anywhere leaves a subject in `shredding`, which the reconciler finishes.

Ending an epoch crosses them the other way: keys first, then the entry, for every ended epoch
that the ledger does not tell of yet. A crash in between delays an entry and loses none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.controllers.models import Controller
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, DomainError, Invalid, Missing
from apps.keys import ending
from apps.keys import selectors as keys_selectors
from apps.keys import services as keys
from apps.keys.selectors import Ended
from apps.subjects import events, selectors
from apps.subjects.models import NEXT_SHREDDING, Application, Change, Contact, Record, Subject

logger = logging.getLogger(__name__)

#: What is left of a record once it is erased, and of a person once they are shredded.
EMPTIED: Final[Mapping[str, Any]] = {
    "sealed_remote_id": None,
    "remote_digest": b"",
    "fingerprint": b"",
    "sending_step": None,
    "talent_pool": False,
    "collected_on": None,
    "version": F("version") + 1,
}
UNNAMED: Final[Mapping[str, Any]] = {
    "sealed_name": None,
    "sealed_emails": None,
    "sealed_phones": None,
}


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
    _look_again(row.pk for row in rows)
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


def _look_again(record_ids: Iterable[UUID]) -> None:
    """Retention works these out anew: their grounds are older than their facts, or orphans."""
    Change.objects.bulk_create(
        (Change(record_id=pk, controller_id=scope.current()) for pk in record_ids),
        ignore_conflicts=True,
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
    _look_again(row.pk for row in rows)
    return len(rows)


def bury(*, actor: Actor, record: Record) -> None:
    """Before the transaction that entombs: the tombstone commits in the keys database.

    A tombstone beside a living record changes nothing: intake looks for the record first.
    """
    keys.entomb(
        actor=actor,
        connection_id=record.connection_id,
        remote_digest=bytes(record.remote_digest),
        record_id=record.pk,
        erased_on=clock.now().date(),
    )


def entomb(*, actor: Actor, record_id: UUID) -> None:
    """Inside the caller's transaction: forget the record here; its erasure was verified.

    When it was the person's last record the subject becomes `shredding`. Raises Conflict when
    the record was entombed before.
    """
    record = Record.objects.select_for_update().get(pk=record_id)
    subject = Subject.objects.select_for_update().get(pk=record.subject_id)
    if record.state == Record.State.ERASED:
        raise Conflict("already_erased", _("This record was erased before."))
    Application.objects.filter(record=record).delete()
    _look_again([record.pk])
    Record.objects.filter(pk=record.pk).update(
        state=Record.State.ERASED, erased_at=clock.now(), **EMPTIED
    )
    audit.record(
        events.RECORD_ENTOMBED, actor=actor, object_id=record.pk, refs={"subject": subject.pk}
    )
    living = Record.objects.filter(subject=subject).exclude(state=Record.State.ERASED)
    if not living.exists():
        Subject.objects.filter(pk=subject.pk).update(
            state=Subject.State.SHREDDING, shred_seq=NEXT_SHREDDING
        )


def finish_shredding(*, actor: Actor, subject_ids: Sequence[UUID] | None = None) -> int:
    """Destroy the keys of subjects in `shredding`, then say so. Safe to run at any time."""
    waiting = Subject.objects.filter(state=Subject.State.SHREDDING)
    if subject_ids is not None:
        waiting = waiting.filter(pk__in=subject_ids)
    total = 0
    for subject_id, seq in waiting.order_by("pk").values_list("pk", "shred_seq")[:1_000]:
        try:
            epoch_id = keys.shred(subject_id, actor=actor, seq=seq)
        except Missing as error:
            # One person whose key cannot be found must not keep the others waiting.
            logger.warning("subject %s cannot be shredded: %s", subject_id, error.code)
            continue
        total += _say_shredded(subject_id, epoch_id, actor)
    return total


@transaction.atomic
def _say_shredded(subject_id: UUID, epoch_id: UUID, actor: Actor) -> int:
    changed = Subject.objects.filter(pk=subject_id, state=Subject.State.SHREDDING).update(
        state=Subject.State.SHREDDED,
        shredded_at=clock.now(),
        **UNNAMED,
    )
    if changed:
        audit.record(
            events.SUBJECT_SHREDDED,
            actor=actor,
            object_id=subject_id,
            refs={"epoch": epoch_id},
        )
    return changed


def end_epoch(*, actor: Actor, due_by: date | None = None) -> list[Ended]:
    """End the controller's key epoch: what was shredded is then gone from every backup.

    With `due_by`, only if its day has come. Returns the endings the ledger tells of now, with
    those whose worker was killed before it could say so. Raises Unavailable when a key does
    not open: its epoch goes on.
    """
    try:
        ending.end_epoch(actor=actor, due_by=due_by)
    finally:
        told = _say_ended(actor)  # whatever did end
    return told


@transaction.atomic
def _say_ended(actor: Actor) -> list[Ended]:
    Controller.objects.select_for_update(no_key=True).get(pk=scope.current())  # one says it
    ended = keys_selectors.ended()
    told = ledger.told(events.EPOCH_ENDED, [epoch.epoch_id for epoch in ended])
    untold = [epoch for epoch in ended if epoch.epoch_id not in told]
    for epoch in untold:
        audit.record(
            events.EPOCH_ENDED,
            actor=actor,
            object_id=epoch.epoch_id,
            counts={"rewrapped": epoch.rewrapped},
            dates={"ended_on": epoch.ended_on},
        )
    return untold


def end_due_epoch(*, actor: Actor) -> int:
    """For the tick: a controller whose keys do not open must not keep the others waiting."""
    try:
        return len(end_epoch(actor=actor, due_by=clock.now().date()))
    except DomainError as error:
        logger.warning("epoch of controller %s cannot end: %s", scope.current(), error.code)
        return 0
