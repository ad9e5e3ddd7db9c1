"""After a restore: what was erased since the backup is erased here too, before anything answers.

A backup of the main database brings back rows of people whose keys are destroyed. Nothing of theirs
opens; but the service would count them, show them and plan for them. The keys' journal knows them
by the number that the main database gave each shredding before its key was destroyed, so that a
main database that has given out fewer numbers was restored, whoever did it and however.

What a backup cannot bring back is what people decided since: holds, periods, consents. So all
erasures are stopped by the replay, until a DPO has looked and resumes them. And the ledger goes on
under another name (audit.continue_log), as entries made since may be known outside.

Killed at any instant, it is run again and goes on: its last act is to say that it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit.models import Continuation
from apps.controllers import selectors as controllers
from apps.controllers import services as controllers_services
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Unavailable
from apps.erasure import events, outcomes
from apps.erasure.models import Archive, Restore, Step
from apps.erasure.states import LIVING
from apps.keys import selectors as keys
from apps.keys import services as keys_services
from apps.subjects import replaying
from apps.subjects.models import Subject

Standing = Literal["whole", "restored", "keys_behind"]
_GONE: Final = (Archive.State.DISPOSED, Archive.State.DISCARDED)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. `forgotten`: keys of people that the backup had never heard of."""

    people: int = 0
    archives: int = 0
    forgotten: int = 0


def standing() -> Standing:
    """Whether the two databases belong together as they are.

    Asked in this order, as each number is committed in main, then in the journal, then said to be
    done in main: a service at work is never taken for a restored one.
    """
    with scope.unscoped("the two databases are compared as a whole"):
        if Restore.objects.filter(replayed_at=None).exists():
            return "restored"
        done = _highest(
            Subject.objects.filter(state=Subject.State.SHREDDED),
            Archive.objects.filter(state__in=_GONE),
        )
        told = keys.last_seq()
        given = _highest(Subject.objects.all(), Archive.objects.all())
    if told > given:
        return "restored"
    return "keys_behind" if done > told else "whole"


def require_whole() -> None:
    """Raises Unavailable, with what to do."""
    found = standing()
    if found == "restored":
        message = _("This service was restored from a backup. Run manage.py replay_erasures first.")
        raise Unavailable("restored", message)
    if found == "keys_behind":
        raise _keys_behind()


def replay(*, actor: Actor) -> Replayed:
    """Bring a restored main database up to the keys' journal. Raises Conflict when it was not
    restored, Unavailable when it is the keys database that is the older one."""
    found = standing()
    if found == "keys_behind":
        raise _keys_behind()
    if found == "whole":
        message = _("This database is up to the journal: there is nothing to replay.")
        raise Conflict("not_restored", message)
    restore = _restore()
    _continue_logs(actor, restore)
    people = archives = forgotten = 0
    for _controller in scope.each(controllers.ids()):
        _stop(actor)
        done = _replay_journal(actor)
        people, archives = people + done.people, archives + done.archives
        forgotten += _forget_unknown(actor)
    _reach(keys.last_seq())
    replayed = Replayed(people, archives, forgotten)
    with transaction.atomic():
        Restore.objects.filter(replayed_at=None).update(replayed_at=clock.now())
        audit.record(
            events.REPLAYED,
            actor=actor,
            log_id=audit.INSTANCE,
            counts={"people": people, "archives": archives, "forgotten": forgotten},
        )
    audit.integrate()
    return replayed


def _keys_behind() -> Unavailable:
    message = _(
        "The keys database is older than the main one: keys of erased people may be back. Restore "
        "its newest copy, or both from one backup."
    )
    return Unavailable("keys_behind", message)


def _highest(*rows: object) -> int:
    found = [each.aggregate(last=Max("shred_seq"))["last"] for each in rows]  # type: ignore[attr-defined]  # querysets
    return max(number or 0 for number in found)


def _restore() -> Restore:
    """The open restore; one that went past `manage.py restore` is noted now."""
    found: Restore | None = Restore.objects.filter(replayed_at=None).order_by("pk").first()
    return found or Restore.objects.create(restored_at=clock.now())


def _continue_logs(actor: Actor, restore: Restore) -> None:
    for log in ledger.logs():
        since = Continuation.objects.filter(log=log, created_at__gte=restore.restored_at)
        if not since.exists():
            audit.continue_log(log_id=log.pk, actor=actor)


def _stop(actor: Actor) -> None:
    if controllers.current().erases:
        controllers_services.choose_erasing(actor=actor, erases=False)


def _replay_journal(actor: Actor) -> Replayed:
    people, archives, after = 0, 0, UUID(int=0)
    while lines := keys.journal(after=after):
        after = lines[-1][0]
        ids = [subject_id for subject_id, _seq in lines]
        seqs = {subject_id: seq for subject_id, seq in lines if seq is not None}
        again = replaying.unshredded(ids)
        _end_steps(actor, again)
        replaying.shred_again(actor=actor, subject_ids=again, seqs=seqs)
        people += len(again)
        archives += _dispose(actor, ids, seqs)
    return Replayed(people, archives)


def _end_steps(actor: Actor, subject_ids: Sequence[UUID]) -> None:
    """What the backup still had to do about them is done."""
    steps = Step.objects.filter(record__subject_id__in=subject_ids, state__in=LIVING)
    for step in steps.select_related("plan__connection", "record__connection"):
        if step.state == Step.State.PLANNED:
            Step.objects.filter(pk=step.pk).update(state=Step.State.CLAIMED)
        outcomes.end(actor=actor, step=step, state=Step.State.STALE, code="restored")


@transaction.atomic
def _dispose(actor: Actor, ids: Sequence[UUID], seqs: dict[UUID, int]) -> int:
    rows = list(Archive.objects.filter(pk__in=ids).exclude(state__in=_GONE))
    for archive in rows:
        Archive.objects.filter(pk=archive.pk).update(
            state=Archive.State.DISPOSED,
            disposed_at=clock.now(),
            sealed_content=None,
            sealed_salt=None,
            applications=[],
            shred_seq=seqs.get(archive.pk),
        )
        audit.record(
            events.ARCHIVE_REPLAYED,
            actor=actor,
            object_id=archive.record_id,
            refs={"archive": archive.pk},
        )
    return len(rows)


def _forget_unknown(actor: Actor) -> int:
    """Keys made since the backup: their people are not here, and could still be tested for."""
    total, after = 0, UUID(int=0)
    while ids := keys.keyed(after=after):
        after = ids[-1]
        known = replaying.known(ids) | set(
            Archive.objects.filter(pk__in=ids).values_list("pk", flat=True)
        )
        strangers = [pk for pk in ids if pk not in known]
        total += keys_services.forget(strangers, actor=actor) if strangers else 0
    return total


def _reach(seq: int) -> None:
    """The next numbers go on after the journal's last."""
    with connection.cursor() as cursor:
        given = 0
        while given < seq:
            cursor.execute(
                "SELECT max(nextval('subjects_shred_seq')) FROM generate_series(1, %s)",
                [min(100_000, max(1, seq - given))],
            )
            given = cursor.fetchone()[0]
