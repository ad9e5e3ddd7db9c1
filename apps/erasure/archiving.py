"""Sealing what the intermediate archive keeps, before the ATS forgets it.

Principles.
1. Nothing is sent before the archive was sealed, opened again and compared with what was read: a
   copy that does not open is no copy, and the original cannot be brought back.
2. The archive has a key of its own, in the keys database, committed first. The person's own key
   goes with their last record; the archive's goes when the archive does.
3. Once a call was committed as `sent`, what the archive holds is never replaced: the ATS may show
   less by then. A later reading only adds to it.
4. An archive whose record stays whole in the ATS is a copy too many: it is discarded with its step.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.connectors.port import Capabilities, Snapshot
from apps.consents import selectors as consents
from apps.core import canonical, clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.core.ids import new_id
from apps.erasure import claims, events, profile
from apps.erasure.models import Archive, ArchiveGround, Step
from apps.keys import services as keys
from apps.retention import mapped
from apps.retention.models import Ground
from apps.retention.rules import ARCHIVE
from apps.subjects import selectors as subject_selectors
from apps.subjects import services as subjects
from apps.subjects.models import NEXT_SHREDDING, Record

TABLE = "erasure_archive"
#: Ends of a step that leave the record in the ATS as it was.
_UNTOUCHED = (
    Step.State.STALE,
    Step.State.HELD,
    Step.State.FAILED,
    Step.State.MANUAL,
    Step.State.CANCELLED,
)
_LIVING = (Archive.State.SEALED, Archive.State.KEPT)
_DISCARDING: Mapping[str, Any] = {
    "state": Archive.State.DISCARDING,
    "sealed_content": None,
    "sealed_salt": None,
    "shred_seq": NEXT_SHREDDING,
}


def of(step: Step) -> Archive | None:
    """The living archive of the step's record, whichever step sealed it."""
    rows = Archive.objects.filter(record_id=step.record_id, state__in=_LIVING)
    return rows.select_related("step").first()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record cannot go to the archive: nothing may be sent. `LOST` ends no step: another
    worker has it, or may take it any moment."""

    code: str
    fields: tuple[str, ...] = ()


LOST = Refusal("lease_lost")


def seal(
    *, actor: Actor, step: Step, before: Snapshot, capabilities: Capabilities
) -> Refusal | None:
    """Seal what a fresh reading shows, open it and compare; None, or why not.

    Nothing was sent for this step yet. What an earlier one sealed and sent stands: a later
    reading only adds to it, such as another application.
    """
    found = of(step)
    drawn = profile.draw(before, capabilities.archive, _notices(step))
    first = _opens(found) if found is not None and found.step.sends else b""
    if first is None:
        return Refusal("archive_unproven")
    if found is not None and first:
        marks = _marks(before, capabilities)
        drawn = profile.joined(json.loads(first), found.fields, drawn, erased=marks)
    if unaccepted := set(drawn.unreadable) - set(step.plan.accepts_unreadable):
        return Refusal("archive_unreadable", tuple(sorted(unaccepted)))
    content = canonical.dumps(dict(drawn.content))
    if content == first:
        return None
    archive_id = found.pk if found is not None else new_id()
    key = keys.open_many([archive_id]).get(archive_id)
    if key is None:
        key = keys.new([archive_id], actor=actor)[archive_id]
    sealing = found.step if found is not None and first else step
    refusal = _keep(actor, step, sealing, archive_id, drawn, content, key)
    if refusal is not None:
        return refusal
    kept = Archive.objects.get(pk=archive_id)
    index(kept)
    return None if _opens(kept) == content else Refusal("archive_unproven")


@transaction.atomic
def _keep(  # noqa: PLR0917 - what one row is made of
    actor: Actor,
    step: Step,
    sealing: Step,
    archive_id: UUID,
    drawn: profile.Drawn,
    content: bytes,
    key: bytes,
) -> Refusal | None:
    """Write the archive with its grounds and its entry, while this attempt holds the step.

    One that lost its lease may not touch what another sealed, nor anyone a copy that is being
    given up. Refused without a ground to keep it.
    """
    if not claims.working(step).select_for_update().exists():
        return LOST
    earlier = Archive.objects.select_for_update().filter(pk=archive_id).first()
    if earlier is not None and earlier.state not in _LIVING:
        return LOST  # given up meanwhile, and its key goes: the next attempt has one of its own
    grounds = [
        (cell, anchor)
        for cell, anchor, rule in Ground.objects.filter(record_id=step.record_id)
        .exclude(cell=None)
        .values_list("cell_id", "anchor", "cell__rule")
        if rule.endswith(ARCHIVE) and anchor is not None
    ]
    if not grounds:
        return Refusal("archive_unproven")
    commitment, salt = crypto.commit(content)
    Archive.objects.filter(pk=archive_id).delete()
    Archive.objects.create(
        id=archive_id,
        step=sealing,
        record_id=step.record_id,
        subject_id=step.record.subject_id,
        policy_id=step.plan.policy_id,
        profile=profile.NAME,
        fields=dict(drawn.statuses),
        commitment=commitment,
        sealed_content=_sealed(key, content, "sealed_content", archive_id),
        sealed_salt=_sealed(key, salt, "sealed_salt", archive_id),
        applications=_applications(step.record),
    )
    ArchiveGround.objects.bulk_create(
        ArchiveGround(
            controller_id=scope.current(), archive_id=archive_id, cell_id=cell, anchor=anchor
        )
        for cell, anchor in grounds
    )
    counted = list(drawn.statuses.values())
    audit.record(
        events.ARCHIVE_SEALED,
        actor=actor,
        object_id=step.record_id,
        refs={"archive": archive_id, "step": step.pk, "policy": step.plan.policy_id},
        counts={one: counted.count(one) for one in ("archived", "absent", "unreadable")},
        commitments={"content": commitment},
    )
    return None


def keep(*, actor: Actor, step: Step) -> bool:
    """Inside the transaction that ends the step: the ATS forgot the record and the archive is
    what is left of it. False when nothing was archived."""
    found = of(step)
    if found is None or found.state != Archive.State.SEALED:
        return False
    Archive.objects.filter(pk=found.pk).update(state=Archive.State.KEPT, kept_at=clock.now())
    subjects.count_archived(subject_id=step.record.subject_id, by=1)
    return True


def _marks(before: Snapshot, capabilities: Capabilities) -> set[str]:
    """What this vendor puts in the place of a value it erased."""
    return {
        mark.format(remote_id=before.remote_id)
        for field in capabilities.fields
        for mark in field.end_states
    }


def discard(*, step: Step, state: str) -> bool:
    """Inside the transaction that ends the step: the record stays whole in the ATS, so that the
    copy goes; `finish_discarding` destroys its key. False where the ATS may have been told: then
    it stays sealed until the record goes."""
    found = of(step)
    if found is None or found.state != Archive.State.SEALED or found.step_id != step.pk:
        return False
    if state not in _UNTOUCHED or step.sends:
        return False
    Archive.objects.filter(pk=found.pk).update(**_DISCARDING)
    return True


def drop(*, step: Step) -> None:
    """Inside the transaction that ends a step of what is simply due: nothing keeps an archive that
    an earlier step sealed and could not finish."""
    rows = Archive.objects.filter(record_id=step.record_id, state=Archive.State.SEALED)
    rows.update(**_DISCARDING)


def finish_discarding(*, actor: Actor) -> int:
    """Destroy the keys of discarded copies, then say so. Safe to run at any time.

    With them go copies whose plan was refused or called back after they were sealed.
    """
    copies = Archive.objects.filter(
        state=Archive.State.SEALED, step__state__in=_UNTOUCHED, step__sends=0
    )
    copies.update(**_DISCARDING)
    waiting = list(Archive.objects.filter(state=Archive.State.DISCARDING)[:1_000])
    for one in waiting:
        keys.shred(one.pk, actor=actor, seq=one.shred_seq)
        with transaction.atomic():
            rows = Archive.objects.filter(pk=one.pk, state=Archive.State.DISCARDING)
            if rows.update(state=Archive.State.DISCARDED, disposed_at=clock.now()):
                audit.record(
                    events.ARCHIVE_DISCARDED,
                    actor=actor,
                    object_id=one.record_id,
                    refs={"archive": one.pk, "step": one.step_id},
                )
    return len(waiting)


def index(archive: Archive) -> None:
    """Make a kept archive findable by the person's addresses, for a request of theirs alone:
    under kinds of its own, so that no other search meets it. Repeating is harmless."""
    who = subject_selectors.identities([archive.record_id]).get(archive.record_id)
    if who is not None:
        keys.index(_blinded(archive.pk, "email", who.emails))
        keys.index(_blinded(archive.pk, "phone", who.phones))


def find(*, kind: str, values: Iterable[str]) -> set[UUID]:
    """Archives of a person by an e-mail or a phone: asked by a rights request, never by a page."""
    wanted = [crypto.normalise(kind, value) for value in values]
    found = keys.find(f"archive-{kind}", wanted)
    ids = {one for matches in found.values() for one in matches}
    return set(Archive.objects.filter(pk__in=ids, state__in=_LIVING).values_list("pk", flat=True))


def _blinded(archive_id: UUID, kind: str, values: Iterable[str]) -> list[tuple[UUID, str, str]]:
    return [(archive_id, f"archive-{kind}", crypto.normalise(kind, value)) for value in values]


def opened(archive: Archive) -> bytes:
    """The canonical JSON inside. Raises KeyShredded, CryptoError, Conflict for changed content."""
    content = _opens(archive)
    if content is None:
        raise Conflict("archive_changed", _("What this archive holds is not what was sealed."))
    return content


def _opens(archive: Archive) -> bytes | None:
    """What is inside, if it is what the ledger was told."""
    if archive.sealed_content is None or archive.sealed_salt is None:
        return None
    key = keys.open_one(archive.pk)
    try:
        content = _plain(key, bytes(archive.sealed_content), "sealed_content", archive.pk)
        salt = _plain(key, bytes(archive.sealed_salt), "sealed_salt", archive.pk)
    except crypto.CryptoError:
        return None
    return content if crypto.commitment(content, salt) == bytes(archive.commitment) else None


def _sealed(key: bytes, plain: bytes, column: str, row: UUID) -> bytes:
    return crypto.seal(key, plain, table=TABLE, column=column, row=row)


def _plain(key: bytes, sealed: bytes, column: str, row: UUID) -> bytes:
    return crypto.open(key, sealed, table=TABLE, column=column, row=row)


def _notices(step: Step) -> list[str]:
    return consents.notices(subject_selectors.family(step.record.subject_id))


def _applications(record: Record) -> list[list[str | None]]:
    return [
        [
            one.application.job,
            one.application.country or record.connection.country,
            one.state,
            one.application.applied_on.isoformat() if one.application.applied_on else None,
        ]
        for one in mapped.applications(record.pk)
    ]
