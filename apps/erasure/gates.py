"""What stands between a proposal and its first effect: a second person, and brakes.

A mistake (a period typed wrongly, a word mapped wrongly) shows in numbers before it shows in
losses. So a plan that is the first of its kind, or large, is approved by another person than the
one who proposed it; one that is beyond what the DPO allowed for the connection is not approved at
all; and what is approved goes at most so many a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.controllers import services as controllers_services
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.workdays import is_working_day
from apps.erasure import events
from apps.erasure.models import DayTally, Plan, Step
from apps.subjects.models import Record

#: Up to so many records a share says nothing: of three people, one is a third.
SMALL: Final = 100
_DAY: Final = 24 * 60
#: Code of a step that waits for another day.
FULL: Final = "brake_day"

Reason = Literal["first_run", "new_policy", "size"]
Brake = Literal["brake_run", "brake_share"]
_TAKE = """
    INSERT INTO erasure_daytally (controller_id, connection_id, day, sent)
    VALUES (%(controller)s, %(connection)s, %(day)s, 1)
    ON CONFLICT (connection_id, day) DO UPDATE SET sent = erasure_daytally.sent + 1
        WHERE erasure_daytally.sent < %(most)s
    RETURNING sent
"""


def second_person(plan: Plan) -> tuple[Reason, ...]:
    """Why another person than the one who proposed it must approve; empty: none need."""
    earlier = Plan.objects.filter(connection_id=plan.connection_id, state=Plan.State.FINISHED)
    found: list[Reason] = []
    if not earlier.exists():
        found.append("first_run")
    elif not earlier.filter(policy_id=plan.policy_id).exists():
        found.append("new_policy")
    if plan.steps.count() > plan.connection.alone_up_to:
        found.append("size")
    return tuple(found)


def check(*, actor: Actor, plan: Plan) -> None:
    """Raises Refused: `four_eyes`, `brake_run` or `brake_share`."""
    if actor.id == plan.proposed_by_id and second_person(plan):
        message = _(
            "You proposed this plan, so another person approves it: it is the first of this "
            "connection or of this version of the policy, or a large one."
        )
        raise Refused("four_eyes", message)
    code = over(plan)
    if code is not None:
        raise Refused(code, why_over(plan, code))


def over(plan: Plan) -> Brake | None:
    """The brake that the plan is beyond; None: it keeps to them."""
    steps = plan.steps.count()
    if steps > plan.connection.most_per_run:
        return "brake_run"
    if steps > SMALL and share(plan) > plan.connection.most_percent:
        return "brake_share"
    return None


def why_over(plan: Plan, code: Brake) -> str:
    """In the reader's language, with what to do."""
    allowed = plan.connection
    if code == "brake_run":
        most = allowed.most_per_run
        message = ngettext(
            "One plan may erase %(most)d record here, and this one erases more. Refuse it: what "
            "is proposed next keeps to it. Or a DPO changes the brakes of the connection.",
            "One plan may erase %(most)d records here, and this one erases more. Refuse it: what "
            "is proposed next keeps to it. Or a DPO changes the brakes of the connection.",
            most,
        )
        return message % {"most": most}
    text = gettext(
        "This plan erases %(percent)d in a hundred of the records of this connection, and one "
        "plan may erase %(most)d. Look at its rules and at the mapping first; if they are right, "
        "a DPO changes the brakes of the connection."
    )
    return text % {"percent": share(plan), "most": allowed.most_percent}


@transaction.atomic
def set_brakes(*, actor: Actor, connection_id: UUID, values: Mapping[str, Any]) -> None:
    """How much one plan and one day may erase on a connection (connectors.BRAKES), and at which
    hours (connectors.HOURS). A DPO's act.

    Raises Refused, Missing, Invalid naming the value that cannot be.
    """
    require_role(actor, Role.DPO)
    found = connectors.change(actor=actor, connection_id=connection_id, values={**values})
    Step.objects.filter(
        plan__connection_id=connection_id, state=Step.State.PLANNED, code=FULL
    ).update(not_before=None, code="")
    audit.record(
        events.BRAKES_SET,
        actor=actor,
        object_id=connection_id,
        counts={name: getattr(found, name) for name in connectors.BRAKES}
        | {"from_minute": _minute(found.acts_from), "until_minute": _minute(found.acts_until)}
        | {"weekdays": int(found.acts_on_weekdays)},
    )


def stop_all(*, actor: Actor) -> None:
    """Nothing new is sent to any ATS from now on; what was sent is read back. A brake is
    everybody's. Raises Refused or Conflict."""
    require_role(actor, Role.RECOPS, Role.DPO)
    controllers_services.choose_erasing(actor=actor, erases=False)


def resume_all(*, actor: Actor) -> None:
    """A DPO's act. Raises Refused or Conflict."""
    require_role(actor, Role.DPO)
    controllers_services.choose_erasing(actor=actor, erases=True)


@transaction.atomic
def pause(*, actor: Actor, connection_id: UUID) -> None:
    """No sync and nothing new sent there. Raises Refused, Missing or Conflict."""
    require_role(actor, Role.RECOPS, Role.DPO)
    connectors.pause(actor=actor, connection_id=connection_id)


@transaction.atomic
def resume(*, actor: Actor, connection_id: UUID) -> None:
    """A DPO's act. Raises Refused, Missing or Conflict."""
    require_role(actor, Role.DPO)
    connectors.resume(actor=actor, connection_id=connection_id)


def _minute(of: time | None) -> int:
    """Of the day; the whole day ends with minute 1,440."""
    return of.hour * 60 + of.minute if of is not None else _DAY


def share(plan: Plan) -> int:
    """Of the records that the connection holds, how many in a hundred, rounded up."""
    rows = Record.objects.filter(connection_id=plan.connection_id)
    living = rows.exclude(state=Record.State.ERASED).count()
    return -(-100 * plan.steps.count() // living) if living else 0


def take(step: Step) -> bool:
    """Count one more erasure of today, in the transaction that commits `sent`; False when the
    connection's day is full. A step that was sent before was counted then.

    The row stays locked until that transaction ends, so that no number of workers goes beyond.
    """
    if step.sends:
        return True
    given: dict[str, Any] = {
        "controller": scope.current(),
        "connection": step.plan.connection_id,
        "day": _day(),
        "most": _allowed(step).most_per_day,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, given)
        return cursor.fetchone() is not None


def is_full(of: Connection) -> bool:
    """Whether nothing more may be sent today: asked before the ATS is read for it."""
    rows = DayTally.objects.filter(connection=of, day=_day())
    return rows.filter(sent__gte=of.most_per_day).exists()


def closed() -> list[UUID]:
    """Connections of the scope to which nothing is sent at this hour."""
    here = controllers.current()
    local = clock.now().astimezone(ZoneInfo(here.time_zone))
    every = Connection.objects.all()
    return [one.pk for one in every if not is_open(one, local, country=here.country)]


def is_open(one: Connection, local: datetime, *, country: str) -> bool:
    """Whether erasures are sent to a connection at an instant of the legal entity's clock, in its
    country: so that somebody is there to see them."""
    if one.acts_on_weekdays and not is_working_day(local.date(), country):
        return False
    if one.acts_from is None or one.acts_until is None:
        return True
    return bool(one.acts_from <= local.time() < one.acts_until)


def until_tomorrow() -> timedelta:
    """From now to the legal entity's next midnight."""
    now = clock.now()
    zone = ZoneInfo(controllers.current().time_zone)
    midnight = datetime.combine(_day() + timedelta(days=1), time(), tzinfo=zone)
    return midnight - now


def _day() -> date:
    return clock.today(controllers.current().time_zone)


def _allowed(step: Step) -> Connection:
    """As it stands now: a brake that is pulled counts for what was claimed before."""
    found: Connection = Connection.objects.get(pk=step.plan.connection_id)
    return found
