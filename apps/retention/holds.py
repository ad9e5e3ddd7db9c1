"""Legal holds. A hold beats every purge path (invariant 2).

The race that matters is a hold placed while a record is being erased. Both sides take the same
lock: every record of the family, FOR UPDATE, in id order. Under it a step commits `sent` only
when there is no hold, and a hold is accepted only when nothing was sent. Hold first: no call
with an effect is made. `sent` first: the hold answers `too_late` and names the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.core import canonical, clock, crypto
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.retention import events
from apps.retention.models import Hold
from apps.subjects import selectors as subjects
from apps.subjects import services as subject_services
from apps.subjects.models import Record, Subject

TABLE, COLUMN = "retention_hold", "sealed_reason"


@transaction.atomic
def place_hold(*, actor: Actor, subject_id: UUID, reason: str, review_on: date) -> Hold:
    """Keep a person's records from every purge until released. A DPO's act.

    Raises Refused for another role, Invalid for a missing reason or a review that is not in
    the future, Missing for an unknown person, Conflict `too_late` when the erasure of a record
    was already sent to the ATS (naming the step) or nothing is left to hold.
    """
    require_role(actor, Role.DPO)
    _check(reason, review_on)
    if not Subject.objects.filter(pk=subject_id).exists():
        raise Missing("subject", _("There is no such person."))
    kept = _lock(subject_id)
    sealed, commitment = seal_reason(keys.open_one(subject_id), row := new_id(), reason.strip())
    hold: Hold = Hold.objects.create(
        id=row,
        subject_id=subject_id,
        sealed_reason=sealed,
        placed_by_id=actor.id,
        review_on=review_on,
    )
    audit.record_each(
        events.HOLD_PLACED,
        actor=actor,
        object_ids=[record.pk for record in kept],
        refs={"hold": hold.pk, "subject": subject_id},
        commitments={"reason": commitment},
        dates={"review_on": review_on},
    )
    return hold


@transaction.atomic
def release_hold(*, actor: Actor, hold_id: UUID) -> Hold:
    """The records follow their rules again. Raises Refused, Missing, or Conflict when done."""
    require_role(actor, Role.DPO)
    hold: Hold | None = Hold.objects.select_for_update().filter(pk=hold_id).first()
    if hold is None:
        raise Missing("hold", _("There is no such hold."))
    if hold.released_at is not None:
        raise Conflict("released", _("This hold was released before."))
    hold.released_by_id, hold.released_at = actor.id, clock.now()
    hold.save(update_fields=["released_by", "released_at"])
    records = Record.objects.filter(subject_id__in=subjects.family(hold.subject_id))
    audit.record_each(
        events.HOLD_RELEASED,
        actor=actor,
        object_ids=list(records.exclude(state=Record.State.ERASED).values_list("pk", flat=True)),
        refs={"hold": hold.pk, "subject": hold.subject_id},
    )
    return hold


def seal_reason(key: bytes, row: UUID, reason: str) -> tuple[bytes, bytes]:
    """(sealed reason with its salt, commitment for the ledger)."""
    commitment, salt = crypto.commit(reason.encode())
    plain = canonical.dumps({"reason": reason, "salt": salt.hex()})
    return crypto.seal(key, plain, table=TABLE, column=COLUMN, row=row), commitment


def _check(reason: str, review_on: date) -> None:
    if not reason.strip():
        raise Invalid("reason", _("Give the reason for the hold."), field="reason")
    if review_on <= clock.today(controllers.current().time_zone):
        raise Invalid(
            "review_on", _("Choose a date in the future to review the hold."), field="review_on"
        )


def _lock(subject_id: UUID) -> Sequence[Record]:
    """Every record of the family, locked as `sent` locks them; those that a hold protects."""
    records = subject_services.lock_family(subjects.family(subject_id))
    sending = [record.sending_step for record in records if record.sending_step is not None]
    if sending:
        message = _("Too late: the erasure was already sent to the ATS (step %(step)s).")
        raise Conflict("too_late", message % {"step": sending[0]})
    kept = [record for record in records if record.state != Record.State.ERASED]
    if not kept:
        raise Conflict("too_late", _("Too late: nothing is left of this person's records."))
    return kept
