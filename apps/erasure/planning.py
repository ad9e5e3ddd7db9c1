"""Plans: proposed from what is due, approved by a DPO, called back during the grace.

Proposing and approving change no candidate's data anywhere. A plan freezes which records, at
which version, by which policy; anything that moves afterwards makes its step stale.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.controllers.models import Controller
from apps.core import canonical, clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.core.ids import new_id
from apps.erasure import events, gates, profile
from apps.erasure.models import Plan, Step
from apps.erasure.states import LIVING, NEEDS_ATTENTION
from apps.retention import selectors as retention
from apps.retention.models import Policy
from apps.retention.selectors import Due
from apps.subjects.models import Record

PLAN_SIZE = 5_000
#: A record that is due does not wait for ever: a longer delay is a hold, with a reason.
MOST_POSTPONED = timedelta(days=92)


@transaction.atomic
def propose(
    *,
    actor: Actor,
    as_of: date,
    again: bool = False,
    limit: int = PLAN_SIZE,
    after: UUID | None = None,
) -> list[Plan]:
    """What is due or to archive and in no living step: one plan a connection and policy version.

    Two countries of one connection are two plans: each names the version that decided.

    Records whose last step left work for a person are taken only when `again` is said: a
    residue needs a newly approved step, not a loop. `after`: of those that a plan left, only.
    Raises Refused for a person who may not.
    """
    if actor.kind == "user":
        require_role(actor, Role.RECOPS, Role.DPO)
    Controller.objects.select_for_update(no_key=True).get(pk=scope.current())
    plans: list[Plan] = []
    for connection in Connection.objects.exclude(state=Connection.State.PAUSED).order_by("pk"):
        due = retention.due(as_of=as_of, connection_id=connection.pk)
        due += retention.to_archive(as_of=as_of, connection_id=connection.pk)
        if after is not None:
            due = _left_by(after, due)
        left_out = _left_out([row.record_id for row in due], again=again or after is not None)
        most = min(limit, connection.most_per_run)
        rows = [row for row in due if row.record_id not in left_out][:most]
        for policy, own in _by_policy(rows, as_of):
            plans.append(_propose(actor, connection, policy, own, as_of=as_of))
    return plans


def _left_by(plan_id: UUID, due: list[Due]) -> list[Due]:
    """Of what is due, whose step in a plan left work for a person."""
    left = Step.objects.filter(plan_id=plan_id, state__in=NEEDS_ATTENTION)
    records = set(left.values_list("record_id", flat=True))
    return [row for row in due if row.record_id in records]


def _by_policy(rows: list[Due], as_of: date) -> list[tuple[Policy, list[Due]]]:
    """The rows under each version that decided them, the first drafted version first."""
    policies = retention.policies_of(rows, as_of=as_of)
    found: dict[UUID, tuple[Policy, list[Due]]] = {}
    for row in rows:
        if row.record_id in policies:
            policy = policies[row.record_id]
            found.setdefault(policy.pk, (policy, []))[1].append(row)
    return sorted(found.values(), key=lambda pair: pair[0].number)


def _propose(
    actor: Actor, connection: Connection, policy: Policy, rows: list[Due], *, as_of: date
) -> Plan:
    last = Plan.objects.aggregate(number=Max("number"))["number"] or 0
    plan = Plan.objects.create(
        connection=connection,
        policy=policy,
        number=last + 1,
        action=connection.action,
        as_of=as_of,
        proposed_by_id=actor.id if actor.kind == "user" else None,
    )
    Step.objects.bulk_create(
        Step(
            id=new_id(),
            controller_id=scope.current(),
            plan=plan,
            record_id=row.record_id,
            record_version=row.record_version,
            rule=row.rule,
            due_on=row.due_on,
            to_archive=row.to_archive,
        )
        for row in rows
    )
    audit.record(
        events.PLAN_PROPOSED,
        actor=actor,
        object_id=plan.pk,
        refs={"connection": connection.pk, "policy": policy.pk},
        counts={"steps": len(rows)},
        commitments={"records": _root([row.record_id for row in rows])},
        dates={"as_of": as_of},
    )
    return plan


def _left_out(record_ids: list[UUID], *, again: bool) -> set[UUID]:
    states = LIVING if again else LIVING + NEEDS_ATTENTION
    rows = Step.objects.filter(record_id__in=record_ids)
    # What was merged into another file waits for that one, and is looked for again after it.
    waits = Q(follows__isnull=False) & ~Q(follows__state=Record.State.ERASED)
    return set(rows.filter(Q(state__in=states) | waits).values_list("record_id", flat=True))


@transaction.atomic
def approve(*, actor: Actor, plan_id: UUID, accept_unreadable: bool = False) -> Plan:
    """A DPO approves; the grace begins. Raises Refused, also for what gates.py holds back,
    Missing or Conflict.

    `accept_unreadable`: the DPO knows which fields of the archive's profile cannot be read
    (`unreadable`), so that they are lost with the erasure. Raises Invalid without it, when there
    are some.
    """
    require_role(actor, Role.DPO)
    plan = _locked(plan_id, Plan.State.PROPOSED)
    gates.check(actor=actor, plan=plan)
    lost = unreadable(plan)
    if lost and not accept_unreadable:
        message = _("Fields of the archive cannot be read: accept it, or refuse the plan.")
        raise Invalid("archive_unreadable", message, field="accept_unreadable")
    plan.accepts_unreadable = list(lost)
    now = clock.now()
    grace = timedelta(seconds=plan.connection.grace_seconds)
    plan.state, plan.decided_by_id, plan.decided_at = Plan.State.APPROVED, actor.id, now
    plan.grace_until = now + grace
    plan.save()
    records = list(plan.steps.order_by("record_id").values_list("record_id", flat=True))
    audit.record(
        events.PLAN_APPROVED,
        actor=actor,
        object_id=plan.pk,
        counts={"steps": len(records), "grace_seconds": plan.connection.grace_seconds},
        commitments={"records": _root(records)},
    )
    return plan


def unreadable(plan: Plan) -> tuple[str, ...]:
    """Fields of the archive's profile that this ATS shows to nobody, and those that could not be
    read when one of these records was to be archived before."""
    archived = plan.steps.filter(to_archive=True)
    if not archived.exists():
        return ()
    failed = Step.objects.filter(
        record_id__in=archived.values("record_id"), code="archive_unreadable"
    )
    names = {name for unread in failed.values_list("unread", flat=True) for name in unread}
    names |= set(profile.blind(connectors.capabilities(plan.connection).archive))
    return tuple(name for name in profile.FIELDS if name in names)


@transaction.atomic
def refuse(*, actor: Actor, plan_id: UUID) -> Plan:
    """A DPO refuses: every record stays. Raises Refused, Missing or Conflict."""
    require_role(actor, Role.DPO)
    plan = _locked(plan_id, Plan.State.PROPOSED)
    plan.state, plan.decided_by_id = Plan.State.REFUSED, actor.id
    plan.decided_at = plan.finished_at = clock.now()
    plan.save()
    _take_back_claims(plan)
    cancelled = plan.steps.filter(state=Step.State.PLANNED).update(state=Step.State.CANCELLED)
    audit.record(events.PLAN_REFUSED, actor=actor, object_id=plan.pk, counts={"steps": cancelled})
    return plan


def _take_back_claims(plan: Plan) -> None:
    """Steps that a worker took before the plan came back for a decision are planned again.

    Whatever their lease: `sent` is committed under the lock of an approved plan only, and the
    raised attempt shuts the worker out. A `sent` step is never touched: it is read back.
    """
    plan.steps.filter(state=Step.State.CLAIMED).update(
        state=Step.State.PLANNED, attempt=F("attempt") + 1, lease_until=None
    )


@transaction.atomic
def postpone(*, actor: Actor, plan_id: UUID, until: datetime) -> Plan:
    """An approved plan begins later than it would: the time to call it back grows.

    Raises Refused once it has begun, Invalid for an instant that is not later than its present
    one or more than MOST_POSTPONED away, Missing or Conflict.
    """
    require_role(actor, Role.DPO, Role.RECOPS)
    plan = _locked(plan_id, Plan.State.APPROVED)
    begins = _not_begun(plan)
    if not begins < until <= clock.now() + MOST_POSTPONED:
        message = _("Choose an instant after the one it begins at now, within three months.")
        raise Invalid("until", message, field="until")
    plan.grace_until = until
    plan.save(update_fields=["grace_until"])
    audit.record(
        events.PLAN_POSTPONED,
        actor=actor,
        object_id=plan.pk,
        counts={"steps": plan.steps.count()},
        dates={"until": until.astimezone(ZoneInfo(controllers.current().time_zone)).date()},
    )
    return plan


@transaction.atomic
def call_back(*, actor: Actor, plan_id: UUID) -> Plan:
    """Take an approval back during the grace: the plan waits for approval again.

    Raises Refused when the grace is over or a worker has begun, whose clock may be ahead: a
    step that stayed claimed in a plan without approval would live for ever.
    """
    require_role(actor, Role.DPO, Role.RECOPS)
    plan = _locked(plan_id, Plan.State.APPROVED)
    _not_begun(plan)
    plan.state, plan.decided_by, plan.decided_at = Plan.State.PROPOSED, None, None
    plan.grace_until = None
    plan.save()
    audit.record(
        events.PLAN_CALLED_BACK,
        actor=actor,
        object_id=plan.pk,
        counts={"steps": plan.steps.count()},
    )
    return plan


@transaction.atomic
def stop(*, actor: Actor, plan_id: UUID) -> int:
    """End what has not begun of a plan that has: nothing more of it is sent. What was sent is read
    back to its end, and a task that a person has begun is theirs to close. How many are kept.

    A brake is everybody's. Raises Refused, Missing or Conflict.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    plan = _locked(plan_id, Plan.State.APPROVED)
    _take_back_claims(plan)
    if plan.stopped_at is not None or not plan.steps.filter(state__in=LIVING).exists():
        raise Conflict("plan_state", _("Nothing is left to stop. Look again."))
    # What was sent and never reached the ATS is not sent again either (admission.py).
    plan.stopped_at = clock.now()
    plan.save(update_fields=["stopped_at"])
    locked = unbegun(plan).select_for_update().order_by("pk")
    steps = list(locked.values_list("pk", flat=True))
    plan.steps.filter(pk__in=steps).update(
        state=Step.State.CANCELLED, finished_at=clock.now(), lease_until=None
    )
    audit.record(events.PLAN_STOPPED, actor=actor, object_id=plan.pk, counts={"steps": len(steps)})
    return len(steps)


def unbegun(plan: Plan) -> QuerySet[Step]:
    """Steps of a plan of which nothing was sent, and that no person has begun."""
    waiting = [Step.State.PLANNED, Step.State.CLAIMED]
    begun_by_nobody = Q(state=Step.State.BY_HAND, sent_at=None)
    return plan.steps.filter(Q(state__in=waiting) | begun_by_nobody)


def _not_begun(plan: Plan) -> datetime:
    """When it begins. Raises Refused once the grace is over or a worker took a step: both ask
    again for what the other has locked."""
    if plan.grace_until is None or plan.grace_until <= clock.now():
        raise Refused("grace_over", _("The grace is over: the plan has begun."))
    states = plan.steps.select_for_update().order_by("pk").values_list("state", flat=True)
    if set(states) - {Step.State.PLANNED}:
        raise Refused(
            "too_late",
            _(
                "Too late: the first records of this plan are being erased. Stop the rest of it, "
                "on its page."
            ),
        )
    return plan.grace_until


def _locked(plan_id: UUID, expected: str) -> Plan:
    plan = Plan.objects.select_for_update(of=("self",)).select_related("connection")
    found = plan.filter(pk=plan_id).first()
    if found is None:
        raise Missing("plan", _("There is no such plan."))
    if found.state != expected:
        raise Conflict("plan_state", _("Somebody decided about this plan already. Look again."))
    return found


def _root(record_ids: list[UUID]) -> bytes:
    """Stands for a set of opaque ids, in one entry."""
    return hashlib.sha256(canonical.dumps(sorted(map(str, record_ids)))).digest()
