"""The end of a record and of a person: entombing, shredding, and the ends of key epochs.

Shredding crosses two databases (HOUSE §5). `entomb` commits in main: the records are erased and,
when one was the person's last, the subject is `shredding` and recipients begin to be told.
`finish_shredding` waits for them (telling.py), then destroys keys and blind indexes in the keys
database, and only then says `shredded` in main with its ledger entries. A crash anywhere leaves a
subject in `shredding`, which the reconciler finishes.

Ending an epoch crosses them the other way: keys first, then the entry, for every ended epoch
that the ledger does not tell of yet. A crash in between delays an entry and loses none.

All of it goes by sets: one person or thousands are the same few statements.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.controllers.models import Controller
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, DomainError
from apps.core.lookups import array
from apps.keys import ending
from apps.keys import selectors as keys_selectors
from apps.keys import services as keys
from apps.keys.selectors import Ended
from apps.subjects import events, services, tallies, telling
from apps.subjects.models import Application, Disclosure, Record, Subject

logger = logging.getLogger(__name__)

#: People whose keys go in one transaction.
BATCH: Final = 5_000
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


_LOCK_PEOPLE: Final = """
    SELECT FROM subjects_subject
    WHERE controller_id = %(controller)s AND id = ANY(%(people)s::uuid[]) ORDER BY id FOR UPDATE
"""
_SHREDDING: Final = """
    UPDATE subjects_subject s
    SET state = 'shredding', shred_seq = nextval('subjects_shred_seq')
    WHERE s.controller_id = %(controller)s AND s.id = ANY(%(people)s::uuid[])
      AND NOT EXISTS (SELECT FROM subjects_record r
                      WHERE r.subject_id = s.id AND r.state <> 'erased'
                        AND r.subject_id = ANY(%(people)s::uuid[]))
    RETURNING s.id
"""
_SHREDDED: Final = """
    UPDATE subjects_subject
    SET state = 'shredded', shredded_at = clock_timestamp(),
        sealed_name = NULL, sealed_emails = NULL, sealed_phones = NULL
    WHERE controller_id = %(controller)s AND id = ANY(%(people)s::uuid[]) AND state = 'shredding'
    RETURNING id
"""


def bury(*, actor: Actor, record_ids: Sequence[UUID]) -> None:
    """Before the transaction that entombs: the tombstones commit in the keys database.

    A tombstone beside a living record changes nothing: intake looks for the record first.
    """
    today = clock.now().date()
    rows = Record.objects.filter(pk__any=array(record_ids)).exclude(state=Record.State.ERASED)
    graves = rows.values_list("connection_id", "remote_digest", "pk")
    keys.entomb(
        [(connection_id, bytes(digest), pk) for connection_id, digest, pk in graves],
        actor=actor,
        erased_on=today,
        until=today + timedelta(days=settings.LETHE_TOMBSTONE_DAYS),
    )


def entomb(*, actor: Actor, record_ids: Sequence[UUID]) -> list[UUID]:
    """Inside the caller's transaction: forget the records here; their erasure was verified.

    Whoever has no other record becomes `shredding`: who. Raises Conflict when one was entombed
    before.
    """
    rows = Record.objects.select_for_update().filter(pk__any=array(record_ids)).order_by("pk")
    records = list(rows.values_list("pk", "subject_id", "state"))
    subject_ids = {subject_id for _pk, subject_id, _state in records}
    if any(state == Record.State.ERASED for _pk, _subject, state in records):
        raise Conflict("already_erased", _("This record was erased before."))
    ids = array(pk for pk, _subject, _state in records)
    given: dict[str, Any] = {"controller": scope.current(), "people": array(subject_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PEOPLE, given)
        tallies.count(actor=actor, record_ids=ids)
        Application.objects.filter(record__any=ids).delete()
        services.ask_again(ids)
        Record.objects.filter(pk__any=ids).update(
            state=Record.State.ERASED, erased_at=clock.now(), **EMPTIED
        )
        cursor.execute(_SHREDDING, given)
        last = _returned(cursor, subject_ids)
    audit.record_pairs(
        events.RECORD_ENTOMBED,
        actor=actor,
        ref="subject",
        pairs=[(pk, subject_id) for pk, subject_id, _state in records],
    )
    telling.begin(actor=actor, subject_ids=last)
    return last


def _returned(cursor: CursorWrapper, everybody: Collection[UUID]) -> list[UUID]:
    """The ids that a statement gave back, of these: read only where somebody is missing."""
    if cursor.rowcount == len(everybody):
        return sorted(everybody)
    return [one for (one,) in cursor.fetchall()]


def finish_shredding(*, actor: Actor, subject_ids: Sequence[UUID] | None = None) -> int:
    """Destroy the keys of subjects in `shredding` whose recipients were told, then say so. Safe
    to run at any time. How many."""
    if subject_ids is None:
        telling.lapse(actor=actor)
    waiting = Subject.objects.filter(~telling.still_open("pk"), state=Subject.State.SHREDDING)
    if subject_ids is not None:
        waiting = waiting.filter(pk__any=array(subject_ids))
    seqs = dict(waiting.order_by("pk").values_list("pk", "shred_seq")[:BATCH])
    if not seqs:
        return 0
    epochs = keys.shred_many(seqs, actor=actor)
    for subject_id in seqs.keys() - epochs.keys():
        # One person whose key cannot be found must not keep the others waiting.
        logger.warning("subject %s cannot be shredded: key", subject_id)
    return _say_shredded(epochs, actor)


@transaction.atomic
def _say_shredded(epochs: Mapping[UUID, UUID], actor: Actor) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SHREDDED, {"controller": scope.current(), "people": array(epochs)})
        ids = _returned(cursor, epochs)
    telling.too_late(ids)
    unname(ids)
    by_epoch: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for subject_id in ids:
        by_epoch[epochs[subject_id]].append(subject_id)
    for epoch_id, those in by_epoch.items():
        audit.record_each(
            events.SUBJECT_SHREDDED, actor=actor, object_ids=those, refs={"epoch": epoch_id}
        )
    return len(ids)


def unname(subject_ids: Sequence[UUID]) -> None:
    """What else is sealed under keys that are gone. Part of the caller's transaction, whose entry
    names the actor."""
    Disclosure.objects.filter(subject__any=subject_ids).update(sealed_reference=None)


def expire_tombstones(*, actor: Actor) -> int:
    """Tombstones end too: whoever comes back after that is somebody new. How many."""
    before = clock.now().date()
    total = keys.expire_tombstones(actor=actor, before=before)
    if total:
        with transaction.atomic():
            audit.record(events.TOMBSTONES_EXPIRED, actor=actor, counts={"tombstones": total})
    return total


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
