"""What a person's rights do to their records: restriction (art. 18) and granted erasure (art. 17).

Both take the lock that `sent` is committed under, for the reason holds.py gives: a restriction
placed first means that no call with an effect is made, and one that comes after the call says
`too_late`. Neither is decided here: a person (later: the room of rights requests) did.
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
from apps.audit.verbs import Verb
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.retention import events
from apps.retention.models import ErasureRequirement, Restriction
from apps.subjects import selectors as subjects
from apps.subjects import services as subject_services
from apps.subjects.models import Record, Subject


@transaction.atomic
def restrict(*, actor: Actor, subject_id: UUID, ground: str) -> Restriction:
    """Nothing about a person is erased until this is lifted (art. 18(1)(b), (c)). A DPO's act.

    Raises Refused, Invalid for another ground, Missing for an unknown person, Conflict
    `too_late` when an erasure was already sent to the ATS or nothing is left.
    """
    require_role(actor, Role.DPO)
    _check_ground(ground, Restriction.Ground.values)
    kept = _locked_records(subject_id)
    sending = [record.sending_step for record in kept if record.sending_step is not None]
    if sending:
        message = _("Too late: the erasure was already sent to the ATS (step %(step)s).")
        raise Conflict("too_late", message % {"step": sending[0]})
    made: Restriction = Restriction.objects.create(
        subject_id=subject_id, ground=ground, placed_by_id=actor.id
    )
    refs = {"restriction": made.pk, "subject": subject_id}
    _follow(actor, kept, events.RESTRICTION_PLACED, refs=refs, codes={"ground": ground})
    return made


@transaction.atomic
def lift_restriction(*, actor: Actor, restriction_id: UUID, told_on: date) -> Restriction:
    """The records follow their rules again. `told_on`: the day the person was told before.

    Art. 18(3) wants the person informed before the restriction is lifted. Raises Refused,
    Missing, Conflict when it was lifted, Invalid for a day in the future.
    """
    require_role(actor, Role.DPO)
    row: Restriction | None = Restriction.objects.filter(pk=restriction_id).first()
    if row is None:
        raise Missing("restriction", _("There is no such restriction."))
    if told_on > clock.today(controllers.current().time_zone):
        message = _("Tell the person first: the day is in the future.")
        raise Invalid("told_on", message, field="told_on")
    kept = _lock(row.subject_id)
    values = {"told_on": told_on, "lifted_by": actor.id, "lifted_at": clock.now()}
    if not Restriction.objects.filter(pk=row.pk, lifted_at=None).update(**values):
        raise Conflict("lifted", _("This restriction was lifted before."))
    refs = {"restriction": row.pk, "subject": row.subject_id}
    _follow(actor, kept, events.RESTRICTION_LIFTED, refs=refs, dates={"told_on": told_on})
    row.refresh_from_db()
    return row


@transaction.atomic
def require_erasure(*, actor: Actor, subject_id: UUID, ground: str) -> ErasureRequirement:
    """A request for erasure was granted: what the law does not put above it is due at once.

    Holds, restrictions, evidence archives and hired people's files outlive it, and each
    record's explanation says so. Raises Refused, Invalid, Missing, or Conflict when nothing is
    left or an erasure is required already.
    """
    require_role(actor, Role.DPO)
    _check_ground(ground, ErasureRequirement.Ground.values)
    kept = _locked_records(subject_id)
    family = subjects.family(subject_id)
    if ErasureRequirement.objects.filter(subject_id__in=family, cancelled_at=None).exists():
        raise Conflict("required", _("The erasure of this person's data is required already."))
    made: ErasureRequirement = ErasureRequirement.objects.create(
        subject_id=subject_id,
        ground=ground,
        required_on=clock.today(controllers.current().time_zone),
        required_by_id=actor.id,
    )
    refs = {"requirement": made.pk, "subject": subject_id}
    dates = {"required_on": made.required_on}
    codes = {"ground": ground}
    _follow(actor, kept, events.ERASURE_REQUIRED, refs=refs, codes=codes, dates=dates)
    return made


@transaction.atomic
def cancel_erasure(*, actor: Actor, requirement_id: UUID) -> ErasureRequirement:
    """The person took the request back, or it was granted by mistake.

    What was erased meanwhile stays erased. Raises Refused, Missing, Conflict when done.
    """
    require_role(actor, Role.DPO)
    row: ErasureRequirement | None = ErasureRequirement.objects.filter(pk=requirement_id).first()
    if row is None:
        raise Missing("requirement", _("There is no such granted erasure."))
    kept = _lock(row.subject_id)
    living = ErasureRequirement.objects.filter(pk=row.pk, cancelled_at=None)
    if not living.update(cancelled_by=actor.id, cancelled_at=clock.now()):
        raise Conflict("cancelled", _("This granted erasure was cancelled before."))
    refs = {"requirement": row.pk, "subject": row.subject_id}
    _follow(actor, kept, events.ERASURE_CANCELLED, refs=refs)
    row.refresh_from_db()
    return row


def _check_ground(ground: str, known: Sequence[str]) -> None:
    if ground not in known:
        message = _("Use one of: %(names)s.") % {"names": ", ".join(known)}
        raise Invalid("ground", message, field="ground")


def _locked_records(subject_id: UUID) -> list[Record]:
    """The family's records that are left, locked as `sent` locks them. Raises Missing, Conflict."""
    if not Subject.objects.filter(pk=subject_id).exists():
        raise Missing("subject", _("There is no such person."))
    kept = _lock(subject_id)
    if not kept:
        raise Conflict("too_late", _("Too late: nothing is left of this person's records."))
    return kept


def _lock(subject_id: UUID) -> list[Record]:
    records = subject_services.lock_family(subjects.family(subject_id))
    return [record for record in records if record.state != Record.State.ERASED]


def _follow(
    actor: Actor,
    records: Sequence[Record],
    verb: Verb,
    *,
    refs: dict[str, UUID],
    codes: dict[str, str] | None = None,
    dates: dict[str, date] | None = None,
) -> None:
    """The deadlines follow, and the ledger tells of it once a record."""
    subject_services.touch({record.subject_id for record in records}, actor=actor)
    audit.record_each(
        verb,
        actor=actor,
        object_ids=[record.pk for record in records],
        refs=refs,
        codes=codes or {},
        dates=dates or {},
    )
