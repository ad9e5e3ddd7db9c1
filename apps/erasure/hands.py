"""By hand, where an ATS has no call for it: a person erases, and Lethe reads back, or asks for a
name.

1. The step waits for a person. Nothing is done yet: a hold, a change or another policy ends it.
2. Whoever begins says so first, under the lock that a hold takes: from then on it may be gone, and
   a hold is too late and says so. Where the ATS can be read, it is read afresh before that.
3. Closing reads back where that is possible, and a residue keeps the task open. Where nothing can
   be read, a named person states what they did, field by field, and the outcome is called that:
   `stated`, never `verified`.
4. Or it is given up: then nobody erased it, and it is due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.connectors import selectors as connector_selectors
from apps.connectors import services as connectors
from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector, Snapshot
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing, Unavailable
from apps.core.ids import new_id
from apps.erasure import absence, admission, archiving, claims, events, evidence, facts, outcomes
from apps.erasure.models import Statement, Step
from apps.erasure.verification import judge
from apps.keys import services as keys
from apps.retention import reasons
from apps.subjects import selectors as subject_selectors
from apps.subjects import services as subjects
from apps.subjects import shredding

#: Where a person has to look when the vendor's own fields are not known: words are the door's.
FIELDS: Final = (
    "full_name",
    "contact_details",
    "attachments",
    "notes",
    "messages",
    "evaluations",
    "answers",
    "tags",
)
_STATEMENTS = "erasure_statement"
_COLUMN = "sealed_text"


def hand_over(*, actor: Actor, step: Step) -> None:
    """A claimed step waits for a person from now on."""
    with transaction.atomic():
        rows = claims.mine(step).filter(state=Step.State.CLAIMED)
        if rows.update(state=Step.State.BY_HAND, lease_until=None, code="no_api"):
            audit.record(
                events.BY_HAND,
                actor=actor,
                object_id=step.record_id,
                refs={"plan": step.plan_id, "step": step.pk},
            )


def waiting() -> QuerySet[Step]:
    """What waits for a person, the longest due first."""
    rows = Step.objects.filter(state=Step.State.BY_HAND)
    return rows.select_related("plan__connection", "record__connection").order_by("due_on", "pk")


def task(step_id: UUID) -> Step:
    """Raises Missing."""
    rows = Step.objects.select_related("plan__connection", "record__connection", "record__subject")
    found: Step | None = rows.filter(pk=step_id).first()
    if found is None:
        raise Missing("step", _("There is no such task."))
    return found


def checklist(step: Step) -> tuple[str, ...]:
    """Names of the fields to look at: the vendor's, or those that every ATS has."""
    known = connectors.capabilities(step.plan.connection).fields
    return tuple(field.name for field in known) or FIELDS


def link(step: Step) -> str:
    """Where the file is in the ATS; empty when nobody said how to get there. It holds the id that
    the ATS uses: for the page alone, never kept."""
    remote_id = subject_selectors.remote_ids([step.record_id]).get(step.record_id)
    if remote_id is None:
        return ""
    return connector_selectors.link(step.plan.connection, remote_id)


def can_read_back(step: Step) -> bool:
    return connectors.capabilities(step.plan.connection).reads_back


def begin(*, actor: Actor, step_id: UUID) -> bool:
    """Say, before the first click in the ATS, that the erasure begins. False when it may not any
    more: the step has ended then, and says why.

    Raises Refused, Missing, Conflict when it was begun, Unavailable when the ATS cannot be read.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    step = _open(step_id)
    if step.sent_at is not None:
        raise Conflict("begun", _("Somebody has begun already. Look at the task again."))
    before = _read(step) if can_read_back(step) else None
    if before is not None and not facts.same(actor=actor, step=step, before=before):
        outcomes.end(actor=actor, step=step, state=Step.State.STALE, code="facts_changed")
        return False
    if before is not None and step.to_archive and not _sealed(actor, step, before):
        return False
    return _begin(actor, step, before)


@transaction.atomic
def _begin(actor: Actor, step: Step, before: Snapshot | None) -> bool:
    refusal = admission.refused_under_lock(step)
    row = claims.mine(step).select_for_update().filter(state=Step.State.BY_HAND).first()
    if row is None or row.sent_at is not None:
        raise Conflict("begun", _("Somebody has begun already. Look at the task again."))
    if refusal is not None:
        outcomes.end(actor=actor, step=step, state=refusal[0], code=refusal[1])
        return False
    commitments = {}
    if before is not None:
        key = keys.open_one(step.record.subject_id)
        kept = evidence.keep(
            step=step,
            kind="before",
            snapshot=before,
            key=key,
            read_at=before.read_at or clock.now(),
        )
        commitments["before"] = bytes(kept.commitment)
    claims.mine(step).update(sent_at=clock.now(), sends=step.sends + 1)
    subjects.mark_sending(actor=actor, record_id=step.record_id, step_id=step.pk)
    audit.record(
        events.BEGUN_BY_HAND,
        actor=actor,
        object_id=step.record_id,
        refs={"plan": step.plan_id, "step": step.pk, "policy": step.plan.policy_id},
        commitments=commitments,
    )
    return True


def close(*, actor: Actor, step_id: UUID, seen: Sequence[str] = (), statement: str = "") -> None:
    """It is done in the ATS: read back, or stated where nothing can be read.

    Raises Refused, Missing, Conflict before it was begun or while data remain (they are named),
    Invalid without the statement or with a field of the checklist not in `seen`, Unavailable when
    the ATS cannot be read.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    step = _open(step_id)
    if step.sent_at is None:
        raise Conflict("not_begun", _("Begin first: until then a legal hold may still come."))
    if can_read_back(step):
        _read_back(actor, step)
        return
    if missing := set(checklist(step)) - set(seen):
        message = _("Tick every field once you have looked at it: %(count)d are left.")
        raise Invalid("seen", message % {"count": len(missing)}, field="seen")
    if not statement.strip():
        message = _("Say what you did, in your own words: it stands in place of a proof.")
        raise Invalid("statement", message, field="statement")
    _state(actor, step, checklist(step), statement.strip())
    shredding.finish_shredding(actor=actor, subject_ids=[step.record.subject_id])


@transaction.atomic
def _state(actor: Actor, step: Step, fields: Sequence[str], text: str) -> None:
    row = new_id()
    sealed, commitment = reasons.seal(row, text, table=_STATEMENTS, column=_COLUMN)
    made = Statement.objects.create(
        id=row, step=step, made_by_id=actor.id, sealed_text=sealed, commitment=commitment
    )
    if not outcomes.state_done(actor=actor, step=step, statement=made, fields=fields):
        raise _ended()


def statement_of(found: Statement) -> str:
    """The text, for people who may see the record."""
    return reasons.open_one(found.pk, bytes(found.sealed_text), table=_STATEMENTS, column=_COLUMN)


def _read_back(actor: Actor, step: Step) -> None:
    adapter, after = _reader(step)
    if not after.found:
        shown, _code, _others = absence.judged(adapter, step, after)
    else:
        shown = judge(after, adapter.capabilities)
    if shown.outcome != "verified":
        left = ", ".join((*shown.residue, *shown.unread))
        message = _("The ATS still shows data, or does not show that they are gone: %(fields)s.")
        raise Conflict("data_remain", message % {"fields": left})
    verified = Step.State.VERIFIED
    if not outcomes.end(actor=actor, step=step, state=verified, reading=shown, after=after):
        raise _ended()


def give_up(*, actor: Actor, step_id: UUID) -> None:
    """Nobody erased it: the record stays, and is due again. Raises Refused, Missing or Conflict."""
    require_role(actor, Role.RECOPS, Role.DPO)
    step = _open(step_id)
    if not outcomes.end(actor=actor, step=step, state=Step.State.MANUAL, code="given_up"):
        raise _ended()


def _open(step_id: UUID) -> Step:
    step = task(step_id)
    if step.state != Step.State.BY_HAND:
        raise _ended()
    return step


def _ended() -> Conflict:
    return Conflict("step_state", _("This task is closed. Look at the plan."))


def _read(step: Step) -> Snapshot:
    found = _reader(step)[1]
    if not found.found:
        message = _("The ATS does not show this file any more. Sync first, then look again.")
        raise Conflict("record_gone", message)
    return found


def _reader(step: Step) -> tuple[Connector, Snapshot]:
    adapter = connectors.adapter(step.plan.connection)
    remote_id = subject_selectors.remote_ids([step.record_id]).get(step.record_id)
    if remote_id is None:
        raise _ended()
    try:
        return adapter, adapter.export([remote_id])[remote_id]
    except ConnectorError as error:
        message = _("The ATS cannot be read at the moment. Nothing was decided: try again.")
        raise Unavailable(error.code, message) from error


def _sealed(actor: Actor, step: Step, before: Snapshot) -> bool:
    capabilities = connectors.capabilities(step.plan.connection)
    refusal = archiving.seal(actor=actor, step=step, before=before, capabilities=capabilities)
    if refusal is not None and refusal is not archiving.LOST:
        outcomes.end(actor=actor, step=step, state=Step.State.MANUAL, code=refusal.code)
    return refusal is None
