"""Candidates are warned before their data go, where the legal entity chooses it.

A message thirty days before (the pack's `disposal.pre_notice`) says what goes, when, and how to
stay (a consent) or to object. It delays nothing: what is past its end is due, warned or not. It
is rendered when it leaves: by then the person may have applied again, so that nothing is said
that is no longer so, and the next end has a warning of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.consents import services as consents
from apps.consents.models import ConsentEvent, EndWarning
from apps.controllers import selectors as controllers
from apps.controllers import services as controller_services
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.outbox import kinds
from apps.outbox import selectors as outbox_selectors
from apps.outbox import services as outbox
from apps.outbox.kinds import Mail
from apps.retention import due_sql as sql
from apps.retention import events, explaining, facts, letters, periods
from apps.retention.models import Cell, Policy
from apps.subjects import selectors as subjects
from apps.subjects.models import Record

#: A tick writes this many at most; the next one goes on.
BATCH: Final = 2_000
#: Where no pack of the country says it.
PRE_NOTICE: Final = "P30D"
#: Version of what the person reads on the page before consenting.
NOTICE: Final = "end-warning/1"
_SALT: Final = "lethe.warning"

_NEAR: Final = """
    q.due_on > %(today)s AND q.due_on <= coalesce((
        SELECT n.until FROM unnest(%(notice_cells)s::bigint[], %(notice_untils)s::date[])
            AS n (id, until) WHERE n.id = q.cell), %(notice_else)s::date)
    AND NOT EXISTS (SELECT FROM consents_endwarning w
                    WHERE w.record_id = q.record_id AND w.due_on = q.due_on
                      AND w.code <> 'changed')
"""
_COMING: Final = f"""
SELECT q.record_id, q.due_on FROM ({sql.ALL_DUE}) q
WHERE {_NEAR} AND q.rule NOT IN ('erasure', 'resurrected')
UNION ALL
SELECT q.record_id, q.due_on FROM ({sql.ARCHIVE}) q WHERE {_NEAR}
ORDER BY 2, 1 LIMIT %(most)s
"""  # noqa: S608 - constants only; values are parameters


@dataclass(frozen=True, slots=True)
class Coming:
    """A record that leaves the active base soon: `due_on` is the first day it is gone from it."""

    record_id: UUID
    due_on: date


@dataclass(frozen=True, slots=True)
class Answerable:
    """What a person who follows their link may know and do. Nobody's name: a link can be
    forwarded."""

    mail: UUID
    company: str
    dpo_name: str
    dpo_email: str
    #: The last day it is kept; None: it is not about to go any more.
    kept_until: date | None
    answer: str
    #: Whether there is a talent pool to stay in.
    may_stay: bool


@transaction.atomic
def choose(*, actor: Actor, warns: bool) -> None:
    """Whether the legal entity warns its candidates. A DPO's act.

    Raises Refused, or Invalid while there is no mail server to warn with.
    """
    require_role(actor, Role.DPO)
    if warns and not outbox_selectors.ready():
        message = _("There is no mail server: your operator sets LETHE_MAIL_HOST first.")
        raise Invalid("no_mail_server", message, field="warns")
    controller_services.choose_warnings(actor=actor, warns=warns)


def coming(*, as_of: date, limit: int = BATCH) -> list[Coming]:
    """Who would be warned on a day: not past the end, near it, and not warned of that end yet."""
    notice = {one: periods.end_date(as_of, text) for one, text in _pre_notices().items()}
    usual = periods.end_date(as_of, PRE_NOTICE)
    countries = dict(Cell.objects.values_list("pk", "country"))
    given = facts.now_in_force(max({*notice.values(), usual})) | {
        "connection": None,
        "limit": None,
        "today": as_of,
        "notice_cells": list(countries),
        "notice_untils": [notice.get(country, usual) for country in countries.values()],
        "notice_else": usual,
        "most": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMING, given)
        return [Coming(*row) for row in cursor.fetchall()]


def queue(*, actor: Actor) -> int:
    """Write the warnings that are due to be sent; how many records. None where the legal entity
    does not warn, and none without a mail server: a warning is never only pretended."""
    controller = controllers.current()
    if not (controller.warns and outbox_selectors.ready()):
        return 0
    with transaction.atomic():
        _alone()
        found = coming(as_of=clock.today(controller.time_zone))
        if found:
            _write(actor, found)
    return len(found)


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"warn/{scope.current()}"]
        )


def _write(actor: Actor, found: list[Coming]) -> None:
    """One mail for a person and a day, whatever the number of their records."""
    rows = Record.objects.filter(pk__in=[one.record_id for one in found])
    subject_of = dict(rows.values_list("pk", "subject_id"))
    mails: dict[tuple[UUID, date], UUID] = defaultdict(new_id)
    EndWarning.objects.bulk_create(
        EndWarning(
            controller_id=scope.current(),
            subject_id=subject_of[one.record_id],
            record_id=one.record_id,
            due_on=one.due_on,
            mail=mails[subject_of[one.record_id], one.due_on],
        )
        for one in found
    )
    outbox.send(actor=actor, kind=END.name, about=mails.values())
    audit.record(
        events.WARNINGS_QUEUED,
        actor=actor,
        counts={"records": len(found), "people": len(set(subject_of.values()))},
    )


def render(mail: UUID) -> Mail | str:
    """The message as it is true now, or why there is none: `changed`, `past`, `no_address`."""
    controller = controllers.current()
    today = clock.today(controller.time_zone)
    rows = list(EndWarning.objects.filter(mail=mail).order_by("due_on", "pk"))
    true = [row for row in rows if _still(row, today)]
    if not true:
        past = all(row.due_on <= today for row in rows)
        return "past" if past else "changed"
    who = subjects.identities([true[0].record_id]).get(true[0].record_id)
    if who is None or not who.emails:
        return "no_address"
    records = Record.objects.select_related("connection").filter(pk__in=[r.record_id for r in true])
    return letters.end_warning(
        controller,
        to=who.emails[0],
        name=who.first_name,
        due_on=true[0].due_on,
        systems=sorted({record.connection.name for record in records}),
        link=link(mail),
        may_stay=_may_stay(true, today),
    )


def _may_stay(rows: Iterable[EndWarning], today: date) -> bool:
    """Whether a consent would keep anything: nobody is asked for one that would change nothing."""
    return any(explaining.would_keep(row.record_id, as_of=today) for row in rows)


def _still(row: EndWarning, today: date) -> bool:
    """Whether the record still goes on that day: a new activity, a hold or another period says
    otherwise, and the warning with it."""
    if row.due_on <= today:
        return False
    decision = explaining.decide(row.record_id, as_of=today)
    return decision.outcome == "kept" and decision.due_on == row.due_on


def _ended(actor: Actor, mail: UUID, state: str, code: str) -> None:
    rows = EndWarning.objects.filter(mail=mail)
    if state != "delivered":
        rows.update(state=state, code=code)
        return
    rows.update(state=EndWarning.State.SENT, sent_at=clock.now())
    audit.record_each(
        events.WARNED,
        actor=actor,
        object_ids=list(rows.values_list("record_id", flat=True)),
        refs={"mail": mail},
    )


END = kinds.declare(kinds.Kind("end_warning", render, _ended))


def link(mail: UUID) -> str:
    """The path of the person's page: signed, with opaque ids only."""
    token = signing.dumps({"c": str(scope.current()), "m": str(mail)}, salt=_SALT)
    return f"/stay/{token}/"


def read_link(token: str) -> tuple[UUID, UUID]:
    """(controller, mail) of a link. Raises Missing for one that nobody signed."""
    try:
        found = signing.loads(token, salt=_SALT)
        return UUID(found["c"]), UUID(found["m"])
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise _no_link() from error


def answerable(mail: UUID) -> Answerable:
    """Raises Missing for a message that was never sent."""
    rows = _sent(mail)
    controller = controllers.current()
    today = clock.today(controller.time_zone)
    true = [row for row in rows if _still(row, today)]
    return Answerable(
        mail=mail,
        company=controller.name,
        dpo_name=controller.dpo_name,
        dpo_email=controller.dpo_email,
        kept_until=periods.day_before(min(row.due_on for row in true)) if true else None,
        answer=rows[0].answer,
        may_stay=_may_stay(true, today),
    )


@transaction.atomic
def answer(*, actor: Actor, mail: UUID, answer: str) -> None:
    """What the person says on their page: stay in the talent pool, or object (GDPR art. 21).

    A consent follows at once, and its withdrawal by the same page. An objection waits for a DPO,
    who decides it; nothing about the person lasts longer by it. Raises Missing, Invalid, Conflict
    when it was answered before, the end has come, or there is no talent pool to stay in.
    """
    rows = _sent(mail, lock=True)
    if answer not in EndWarning.Answer.values:
        raise Invalid("answer", _("Choose to stay, or to object."), field="answer")
    today = clock.today(controllers.current().time_zone)
    _may_answer(rows, answer, today)
    said: dict[str, Any] = {
        "actor": actor,
        "subject_id": rows[0].subject_id,
        "purpose": ConsentEvent.Purpose.TALENT_POOL,
        "effective_on": today,
        "source": ConsentEvent.Source.PORTAL,
    }
    if answer == EndWarning.Answer.STAY:
        consents.record(**said, notice=NOTICE)
    elif answer == EndWarning.Answer.WITHDRAW:
        consents.withdraw(**said)
    EndWarning.objects.filter(mail=mail).update(answer=answer, answered_at=clock.now())
    audit.record_each(
        events.WARNING_ANSWERED,
        actor=actor,
        object_ids=[row.record_id for row in rows],
        refs={"mail": mail},
        codes={"answer": answer},
    )


def _may_answer(rows: list[EndWarning], answer: str, today: date) -> None:
    """Once; but whoever chose to stay may take that back on the same page, at any time."""
    before = rows[0].answer
    if answer == EndWarning.Answer.WITHDRAW and before == EndWarning.Answer.STAY:
        return
    if before or answer == EndWarning.Answer.WITHDRAW:
        raise Conflict("answered", _("You have answered already. Write to us to change it."))
    true = [row for row in rows if _still(row, today)]
    if not true:
        raise Conflict("too_late", _("This is no longer about to happen: there is nothing to do."))
    if answer == EndWarning.Answer.STAY and not _may_stay(true, today):
        raise Conflict("no_pool", _("There is no talent pool to stay in. Write to us instead."))


@transaction.atomic
def settle_objection(*, actor: Actor, mail: UUID) -> None:
    """A DPO has decided what the person asked. Raises Refused, Missing, Conflict when done."""
    require_role(actor, Role.DPO)
    open_ones = EndWarning.objects.filter(
        mail=mail, answer=EndWarning.Answer.OBJECT, settled_at=None
    )
    rows = list(open_ones)
    if not rows:
        raise Conflict("settled", _("This objection was decided before."))
    open_ones.update(settled_at=clock.now(), settled_by=actor.id)
    audit.record_each(
        events.OBJECTION_SETTLED,
        actor=actor,
        object_ids=[row.record_id for row in rows],
        refs={"mail": mail},
    )


def _sent(mail: UUID, *, lock: bool = False) -> list[EndWarning]:
    rows = EndWarning.objects.filter(mail=mail, state=EndWarning.State.SENT).order_by(
        "due_on", "pk"
    )
    found = list(rows.select_for_update() if lock else rows)
    if not found:
        raise _no_link()
    return found


def _no_link() -> Missing:
    return Missing("link", _("This link is not valid. Use the one in your latest message."))


def _pre_notices() -> dict[str, str]:
    """Country → how long before the end its pack says to warn."""
    active = Policy.objects.filter(state=Policy.State.ACTIVE).order_by("number")
    return {
        one.country: one.about.get("disposal", {}).get("pre_notice", PRE_NOTICE) for one in active
    }


def preview(language: str) -> Mail:
    """The message with an invented person, to be read before it is chosen."""
    day = periods.end_date(clock.today(controllers.current().time_zone), PRE_NOTICE)
    return letters.end_warning(
        controllers.current(),
        to="camille@example.org",
        name="Camille",
        due_on=day,
        systems=["Greenhouse"],
        link="/stay/…/",
        may_stay=True,
        language=language,
    )
