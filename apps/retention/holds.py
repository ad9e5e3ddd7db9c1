"""Legal holds, as cases. A hold beats every purge path (invariant 2).

The race that matters is a hold placed while a record is being erased. Both sides take the same
lock: every record of the family, FOR UPDATE, in id order. Under it a step commits `sent` only
when there is no hold, and a hold is accepted only when nothing was sent. Hold first: no call
with an effect is made. `sent` first: the hold answers `too_late` and names the step. A case that
holds by a query takes the lock of everyone for the moment it begins; whoever was sent before is
counted as too late, the others are held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role, roles
from apps.audit import services as audit
from apps.connectors.countries import is_code
from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.controllers.models import Controller
from apps.core import canonical, clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.retention import events, held, reasons
from apps.retention.hold_rules import Query
from apps.retention.models import Hold, HoldCase
from apps.subjects import selectors as subjects
from apps.subjects import services as subject_services
from apps.subjects.models import Application, Record, Subject


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with what it holds now; `late`: steps already sent to an ATS, that it cannot stop."""

    case: HoldCase
    people: int
    records: int
    late: tuple[UUID, ...]


@transaction.atomic
def open_case(
    *,
    actor: Actor,
    matter: str,
    reason: str,
    owner_id: UUID,
    review_on: date,
    query: Query | None = None,
) -> Opened:
    """A case that holds whoever meets a query, or nobody yet. A DPO's act.

    Raises Refused for another role, Invalid for a missing matter, reason or owner, a review that
    is not in the future, or a query that asks nothing or something that cannot be.
    """
    require_role(actor, Role.DPO)
    if not matter.strip():
        raise Invalid("matter", _("Say what the matter is."), field="matter")
    if not reason.strip():
        raise Invalid("reason", _("Give the reason for the hold."), field="reason")
    _future(review_on)
    _check_owner(owner_id)
    if query is not None:
        check_query(query)
        subject_services.lock_everyone()
    case, committed = _case(actor, owner_id, review_on, query, matter.strip(), reason.strip())
    found = held.by_query(query) if query is not None else held.Found((), (), ())
    audit.record(
        events.HOLD_CASE_OPENED,
        actor=actor,
        object_id=case.pk,
        counts={
            "number": case.number,
            "people": found.people,
            "records": len(found.record_ids),
            "late": len(found.sent),
        },
        commitments=committed,
        dates={"review_on": review_on},
    )
    audit.record_each(
        events.HOLD_CASE_HOLDS,
        actor=actor,
        object_ids=found.record_ids,
        refs={"case": case.pk},
    )
    return Opened(case, found.people, len(found.record_ids), found.sent)


@transaction.atomic
def place_hold(
    *,
    actor: Actor,
    subject_id: UUID,
    reason: str,
    review_on: date | None = None,
    case_id: UUID | None = None,
) -> Hold:
    """Keep a person's records from every purge until released. A DPO's act.

    Under a case that is open, or under one of its own, to be reviewed on a day, which the DPO
    owns. Raises Refused for another role, Invalid for a missing reason or a review that is not in
    the future, Missing for an unknown person or case, Conflict for a released case or a person it
    holds already, Conflict `too_late` when the erasure of a record was already sent to the ATS
    (naming the step) or nothing is left to hold.
    """
    require_role(actor, Role.DPO)
    case = _living(case_id) if case_id is not None else None
    if not reason.strip():
        raise Invalid("reason", _("Give the reason for the hold."), field="reason")
    review = _future(review_on) if case is None else case.review_on
    if not Subject.objects.filter(pk=subject_id).exists():
        raise Missing("subject", _("There is no such person."))
    kept = _lock(subject_id)
    key = keys.open_many([subject_id]).get(subject_id)
    if case is None:
        case, _commitments = _case(actor, actor.id, review, None, "", "")
    elif case.holds.filter(subject_id=subject_id, released_at=None).exists():
        raise Conflict("held", _("This case holds the person already."))
    row = new_id()
    if key is not None:
        sealed, commitment = seal_reason(key, row, reason.strip())
    else:  # only the intermediate archive keeps anything of this person
        sealed, commitment = reasons.seal(row, reason.strip(), table=held.TABLE)
    hold: Hold = Hold.objects.create(
        id=row, case=case, subject_id=subject_id, sealed_reason=sealed, placed_by_id=actor.id
    )
    audit.record_each(
        events.HOLD_PLACED,
        actor=actor,
        object_ids=[record.pk for record in kept],
        refs={"hold": hold.pk, "subject": subject_id},
        commitments={"reason": commitment},
        dates={"review_on": case.review_on},
    )
    return hold


@transaction.atomic
def release_hold(*, actor: Actor, hold_id: UUID) -> Hold:
    """One person follows their rules again; a case that holds nobody any more is released too.

    Raises Refused, Missing, or Conflict when done.
    """
    require_role(actor, Role.DPO)
    hold: Hold | None = Hold.objects.select_for_update().filter(pk=hold_id).first()
    if hold is None:
        raise Missing("hold", _("There is no such hold."))
    if hold.released_at is not None:
        raise Conflict("released", _("This hold was released before."))
    hold.released_by_id, hold.released_at = actor.id, clock.now()
    hold.save(update_fields=["released_by", "released_at"])
    _account(actor, hold)
    case = HoldCase.objects.select_for_update().get(pk=hold.case_id)
    if not case.by_query and not case.holds.filter(released_at=None).exists():
        _release(actor, case)
    return hold


@transaction.atomic
def release_case(*, actor: Actor, case_id: UUID) -> HoldCase:
    """Everyone the case holds follows their rules again. Raises Refused, Missing, Conflict."""
    require_role(actor, Role.DPO)
    case = _living(case_id)
    for hold in case.holds.select_for_update().filter(released_at=None).order_by("pk"):
        hold.released_by_id, hold.released_at = actor.id, clock.now()
        hold.save(update_fields=["released_by", "released_at"])
        _account(actor, hold)
    _release(actor, case)
    return case


@transaction.atomic
def review_case(*, actor: Actor, case_id: UUID, review_on: date, owner_id: UUID) -> HoldCase:
    """The case goes on, to be looked at again on another day, by its owner or another one.

    Raises Refused, Missing, Conflict for a released case, Invalid for a day that is not in the
    future or an owner who does not work here.
    """
    require_role(actor, Role.DPO)
    case = _living(case_id)
    _future(review_on)
    _check_owner(owner_id)
    case.review_on, case.owner_id = review_on, owner_id
    case.save(update_fields=["review_on", "owner"])
    audit.record(
        events.HOLD_CASE_REVIEWED,
        actor=actor,
        object_id=case.pk,
        refs={"owner": owner_id},
        counts={"number": case.number},
        dates={"review_on": review_on},
    )
    return case


def seal_reason(key: bytes, row: UUID, reason: str) -> tuple[bytes, bytes]:
    """(sealed reason with its salt, commitment for the ledger)."""
    commitment, salt = crypto.commit(reason.encode())
    plain = canonical.dumps({"reason": reason, "salt": salt.hex()})
    return crypto.seal(key, plain, table=held.TABLE, column=held.COLUMN, row=row), commitment


def _case(
    actor: Actor, owner_id: UUID, review_on: date, query: Query | None, matter: str, reason: str
) -> tuple[HoldCase, dict[str, bytes]]:
    """The row, and the commitments to what was written. Texts of a case about one person stand
    in the hold, under that person's key."""
    Controller.objects.select_for_update(no_key=True).get(pk=scope.current())
    last = HoldCase.objects.aggregate(number=Max("number"))["number"] or 0
    row = new_id()
    texts = {"sealed_matter": matter, "sealed_reason": reason}
    sealed = {
        column: reasons.seal(row, text, table=held.CASES, column=column)
        for column, text in texts.items()
        if text
    }
    asked: Any = held.as_columns(query) if query is not None else {}
    case: HoldCase = HoldCase.objects.create(
        id=row,
        number=last + 1,
        sealed_matter=sealed["sealed_matter"][0] if matter else b"",
        sealed_reason=sealed["sealed_reason"][0] if reason else b"",
        owner_id=owner_id,
        review_on=review_on,
        by_query=query is not None,
        opened_by_id=actor.id,
        **asked,
    )
    return case, {column.removeprefix("sealed_"): made[1] for column, made in sealed.items()}


def _release(actor: Actor, case: HoldCase) -> None:
    case.released_by_id, case.released_at = actor.id, clock.now()
    case.save(update_fields=["released_by", "released_at"])
    audit.record(
        events.HOLD_CASE_RELEASED,
        actor=actor,
        object_id=case.pk,
        counts={"number": case.number},
    )


def _account(actor: Actor, hold: Hold) -> None:
    records = Record.objects.filter(subject_id__in=subjects.family(hold.subject_id))
    audit.record_each(
        events.HOLD_RELEASED,
        actor=actor,
        object_ids=list(records.exclude(state=Record.State.ERASED).values_list("pk", flat=True)),
        refs={"hold": hold.pk, "subject": hold.subject_id},
    )


def _living(case_id: UUID) -> HoldCase:
    case: HoldCase | None = HoldCase.objects.select_for_update().filter(pk=case_id).first()
    if case is None:
        raise Missing("case", _("There is no such case."))
    if case.released_at is not None:
        raise Conflict("released", _("This case was released before."))
    return case


def _future(review_on: date | None) -> date:
    if review_on is None or review_on <= clock.today(controllers.current().time_zone):
        message = _("Choose a date in the future to review the hold.")
        raise Invalid("review_on", message, field="review_on")
    return review_on


def _check_owner(owner_id: UUID) -> None:
    if not roles(owner_id, scope.current()):
        message = _("The owner must be somebody who works for this legal entity.")
        raise Invalid("owner", message, field="owner")


def check_query(query: Query) -> None:
    """Raises Invalid for a query that asks nothing or something that cannot be, Missing."""
    if query.empty:
        message = _("Give at least one criterion: a query that asks nothing holds everyone.")
        raise Invalid("query", message, field="query")
    if not set(query.states) <= set(Application.State.values):
        names = ", ".join(Application.State.values)
        raise Invalid("states", _("Use one of: %(names)s.") % {"names": names}, field="states")
    unknown = [one for one in query.countries if not is_code(one)]
    if unknown:
        message = _("“%(code)s” is no country. Use its two letters, such as FR or GB.")
        raise Invalid("countries", message % {"code": unknown[0]}, field="countries")
    since, until = query.applied_from, query.applied_until
    if since is not None and until is not None and since > until:
        message = _("The last day is before the first one.")
        raise Invalid("applied_until", message, field="applied_until")
    pk = query.connection_id
    if pk is not None and not Connection.objects.filter(pk=pk).exists():
        raise Missing("connection", _("There is no such connection."), field="connection")


def _lock(subject_id: UUID) -> Sequence[Record]:
    """Every record of the family, locked as `sent` locks them; those that a hold protects:
    what the ATS has, else what the intermediate archive keeps."""
    family = subjects.family(subject_id)
    records = subject_services.lock_family(family)
    sending = [record.sending_step for record in records if record.sending_step is not None]
    if sending:
        message = _("Too late: the erasure was already sent to the ATS (step %(step)s).")
        raise Conflict("too_late", message % {"step": sending[0]})
    kept = [record for record in records if record.state != Record.State.ERASED]
    archived = Subject.objects.filter(pk__in=family, archived__gt=0)
    if not kept and not archived.exists():
        raise Conflict("too_late", _("Too late: nothing is left of this person's records."))
    return kept or records
