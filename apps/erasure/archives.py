"""The intermediate archive: who may open what, why, and until when.

Consulted “occasionally, with reasons, by specifically authorised persons” (CNIL, délibération
n° 2005-213): an archive reader, one archive at a time, with a reason that is sealed and whose
commitment is in the ledger before anything is shown. There is no search and no list of names;
only the DPO takes a copy out. A hold keeps an archive like a record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.erasure import archiving, events
from apps.erasure.models import Archive, ArchiveGround, ArchiveReading
from apps.keys import services as keys
from apps.retention import facts, hold_rules, periods, reasons
from apps.retention.derivation import ApplicationFacts, Dated, Facts
from apps.retention.models import HoldCase
from apps.subjects import selectors as subject_selectors
from apps.subjects import services as subjects
from apps.subjects.models import NEXT_SHREDDING

_READINGS = "erasure_archivereading"


@dataclass(frozen=True, slots=True)
class Until:
    """How long an archive is kept on a day: the last day, None where nothing in force says it."""

    ends_on: date | None
    held: bool

    def ended(self, as_of: date) -> bool:
        return not self.held and self.ends_on is not None and self.ends_on < as_of


def kept() -> QuerySet[Archive]:
    """Archives of the scope that hold something, the newest first. Ids, never names."""
    rows = Archive.objects.filter(state=Archive.State.KEPT).select_related("record", "policy")
    return rows.order_by("-kept_at", "pk")


def one(archive_id: UUID) -> Archive:
    """Raises Missing."""
    rows = Archive.objects.select_related("record__connection", "policy", "step__plan")
    found: Archive | None = rows.filter(pk=archive_id).first()
    if found is None:
        raise Missing("archive", _("There is no such archive."))
    return found


def of_record(record_id: UUID) -> Archive | None:
    rows = Archive.objects.filter(record_id=record_id, state__in=["kept", "disposing", "disposed"])
    return rows.order_by("-sealed_at").first()


def until(archives: Sequence[Archive], *, as_of: date) -> dict[UUID, Until]:
    """How long each is kept, by the periods in force on a day.

    A period that is switched off, or a cell without one, says nothing: if nothing else does, the
    archive has no end and stays.
    """
    in_force = facts.periods(as_of)
    found: dict[UUID, Until] = {}
    for archive in archives:
        ends = [
            periods.end_date(ground.anchor, in_force[ground.cell_id])
            for ground in archive.grounds.all()
            if in_force.get(ground.cell_id)
        ]
        silent = any(ground.cell_id not in in_force for ground in archive.grounds.all())
        ends_on = None if silent else max(ends, default=None)
        found[archive.pk] = Until(ends_on, held=bool(holding(archive)))
    return found


def endless(*, as_of: date) -> QuerySet[Archive]:
    """Kept archives that no period in force ends, such as where a DPO switched their rule off:
    nothing disposes of them by itself."""
    in_force = facts.in_force(as_of)
    ending = [cell for cell, _rule, duration in in_force if duration]
    known = [cell for cell, _rule, _duration in in_force]
    silent = ArchiveGround.objects.exclude(cell__in=known).values("archive_id")
    ends = ArchiveGround.objects.filter(cell__in=ending).values("archive_id")
    return kept().filter(Q(pk__in=silent) | ~Q(pk__in=ends))


def holding(archive: Archive) -> list[HoldCase]:
    """The cases that hold an archive: its person by name, or what it was by a query."""
    found = {case.pk: case for case in facts.holding(archive.subject_id)}
    asking = HoldCase.objects.filter(by_query=True, released_at=None)
    if asking:
        known = _facts(archive)
        for case in asking:
            if hold_rules.matches(facts.query_of(case), known):
                found[case.pk] = case
    return sorted(found.values(), key=lambda case: case.number)


def met_by(query: hold_rules.Query) -> int:
    """How many kept archives a query holds, by what they were when they were sealed."""
    rows = Archive.objects.filter(state=Archive.State.KEPT).select_related("record")
    rows = rows.only("id", "applications", "record__connection_id")
    return sum(hold_rules.matches(query, _facts(one)) for one in rows.iterator())


def readings(archive_id: UUID) -> list[ArchiveReading]:
    """Who opened it, the last one first."""
    rows = ArchiveReading.objects.select_related("reader").filter(archive_id=archive_id)
    return list(rows.order_by("-read_at"))


def reason_of(reading: ArchiveReading) -> str:
    """Why, in the reader's words: for the DPO and the auditor."""
    return reasons.open_one(reading.pk, bytes(reading.sealed_reason), table=_READINGS)


def read(*, actor: Actor, archive_id: UUID, reason: str) -> Mapping[str, Any]:
    """What an archive holds, once the reason is on record. An archive reader's act.

    Raises Refused, Missing, Invalid without a reason, Conflict when it holds nothing any more.
    """
    require_role(actor, Role.ARCHIVE_READER)
    content = _take(actor, archive_id, reason, exported=False)
    found: Mapping[str, Any] = json.loads(content)
    return found


def export(*, actor: Actor, archive_id: UUID, reason: str) -> bytes:
    """A copy to hand out, as canonical JSON. A DPO's act. Raises as `read`."""
    require_role(actor, Role.DPO)
    return _take(actor, archive_id, reason, exported=True)


@transaction.atomic
def _take(actor: Actor, archive_id: UUID, reason: str, *, exported: bool) -> bytes:
    if not reason.strip():
        message = _("Say why it must be opened: the reason is sealed and on record.")
        raise Invalid("reason", message, field="reason")
    archive = one(archive_id)
    if archive.state != Archive.State.KEPT:
        raise Conflict("archive_empty", _("This archive holds nothing any more."))
    row = new_id()
    sealed, commitment = reasons.seal(row, reason.strip(), table=_READINGS)
    ArchiveReading.objects.create(
        id=row, archive=archive, reader_id=actor.id, sealed_reason=sealed, exported=exported
    )
    audit.record(
        events.ARCHIVE_EXPORTED if exported else events.ARCHIVE_OPENED,
        actor=actor,
        object_id=archive.record_id,
        refs={"archive": archive.pk, "reading": row},
        commitments={"reason": commitment},
    )
    return archiving.opened(archive)


def dispose_ended(*, actor: Actor) -> int:
    """What is past its end: noticed first, then, when it still is after the connection's time to
    call back, gone for good. That time begins again when a hold is released. How many were
    disposed of."""
    as_of = clock.today(controllers.current().time_zone)
    ended = _not_held(_ended(as_of))
    waiting = Archive.objects.filter(state=Archive.State.KEPT).exclude(ending_since=None)
    waiting.exclude(pk__in=ended).update(ending_since=None)
    fresh = Archive.objects.filter(pk__in=ended, ending_since=None)
    fresh.update(ending_since=clock.now())
    for archive_id in ended:
        _dispose(actor, archive_id, as_of)
    return finish_disposing(actor=actor)


def _ended(as_of: date) -> list[UUID]:
    """Kept archives none of whose grounds lives on a day, holds aside."""
    in_force = facts.in_force(as_of)
    known = [cell for cell, _rule, _duration in in_force]
    living = ended = Q(pk__in=[])
    for cell, _rule, duration in in_force:
        if duration:
            end = periods.cutoff(duration, as_of) or date.min
            living |= Q(cell=cell, anchor__gt=end)
            ended |= Q(cell=cell, anchor__lte=end)
    rows = Archive.objects.filter(state=Archive.State.KEPT)
    keeping = ArchiveGround.objects.filter(living | ~Q(cell__in=known)).values("archive_id")
    past = ArchiveGround.objects.filter(ended).values("archive_id")
    rows = rows.filter(pk__in=past).exclude(pk__in=keeping)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _not_held(archive_ids: Sequence[UUID]) -> list[UUID]:
    if not HoldCase.objects.filter(released_at=None).exists():
        return list(archive_ids)
    rows = Archive.objects.filter(pk__in=archive_ids).select_related("record").order_by("pk")
    return [archive.pk for archive in rows if not holding(archive)]


@transaction.atomic
def _dispose(actor: Actor, archive_id: UUID, as_of: date) -> None:
    """Under the lock that a hold would take: nothing is destroyed that a hold reached first."""
    archive = one(archive_id)
    subjects.lock_family(subject_selectors.family(archive.subject_id))
    archive = Archive.objects.select_for_update(of=("self",)).get(pk=archive_id)
    grace = Connection.objects.get(pk=archive.record.connection_id).grace_seconds
    since = archive.ending_since
    if archive.state != Archive.State.KEPT or since is None:
        return
    if clock.now() < since + timedelta(seconds=grace):
        return
    if not until([archive], as_of=as_of)[archive.pk].ended(as_of):
        return
    Archive.objects.filter(pk=archive.pk).update(
        state=Archive.State.DISPOSING,
        sealed_content=None,
        sealed_salt=None,
        shred_seq=NEXT_SHREDDING,
    )
    subjects.count_archived(subject_id=archive.subject_id, by=-1)


def finish_disposing(*, actor: Actor) -> int:
    """Destroy the keys, then say so. Safe to run at any time."""
    waiting = list(Archive.objects.filter(state=Archive.State.DISPOSING).order_by("pk")[:1_000])
    return sum(_say_disposed(actor, archive) for archive in waiting)


def _say_disposed(actor: Actor, archive: Archive) -> int:
    epoch_id = keys.shred(archive.pk, actor=actor, seq=archive.shred_seq)
    with transaction.atomic():
        rows = Archive.objects.filter(pk=archive.pk, state=Archive.State.DISPOSING)
        done = rows.update(state=Archive.State.DISPOSED, disposed_at=clock.now(), applications=[])
        if done:
            audit.record(
                events.ARCHIVE_DISPOSED,
                actor=actor,
                object_id=archive.record_id,
                refs={"archive": archive.pk, "epoch": epoch_id},
            )
        return int(done)


def _facts(archive: Archive) -> Facts:
    """What a query asks, as it was when the record was archived."""
    applications = tuple(
        ApplicationFacts(
            id=archive.pk,
            state=state,
            job=job,
            country=country,
            applied=Dated(date.fromisoformat(applied)) if applied else None,
        )
        for job, country, state, applied in archive.applications
    )
    return Facts(
        record_id=archive.record_id,
        connection_id=archive.record.connection_id,
        applications=applications,
    )
