"""Telling recipients of an erasure (GDPR art. 19), before the person's key goes.

1. With the person's last record, each disclosure begins to be told, in that same transaction. The
   person is `shredding`: nothing of theirs is read any more but the references to tell by.
2. A webhook or a mail that arrives settles it. One that does not, and every recipient without
   either, waits for a person: who tells them and states so, or says why it cannot be done.
3. The key goes once nothing is open, and at the latest after LETHE_TELL_DAYS: a recipient that
   cannot be reached does not keep data alive. What was not told by then is called that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.audit.verbs import Verb
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.keys import services as keys
from apps.outbox import kinds
from apps.outbox import selectors as mail
from apps.outbox import services as outbox
from apps.outbox.kinds import Kind, Mail, Webhook
from apps.subjects import events, letters, recipients
from apps.subjects.models import Disclosure, Recipient, Subject

State = Disclosure.State
OPEN: Final = (State.TELLING, State.BY_HAND)
#: Why a message failed that another one to the same recipient would meet too.
UNREACHABLE: Final = frozenset(
    {
        "address_refused",
        "mail_server",
        "webhook_away",
        "webhook_fault",
        "webhook_gone",
        "webhook_host",
        "webhook_refused",
    }
)
#: A mail that was taken may still come back so long after it.
RETURNS: Final = timedelta(days=5)


def begin(*, actor: Actor, subject_ids: Sequence[UUID]) -> int:
    """Inside the transaction that erases these people's last records. How many are to be told."""
    rows = Disclosure.objects.filter(subject__any=subject_ids, state=State.RECORDED)
    found = list(rows.select_related("recipient").order_by("subject_id", "pk"))
    if not found:
        return 0
    tell_by = clock.now() + timedelta(days=settings.LETHE_TELL_DAYS)
    for row in found:
        row.state, row.code = _way(row.recipient)
        row.tell_by = tell_by
    Disclosure.objects.bulk_update(found, ["state", "code", "tell_by"])
    _send(actor, [row for row in found if row.state == State.TELLING])
    for subject_id in sorted({row.subject_id for row in found}):
        audit.record(
            events.TELLING,
            actor=actor,
            object_id=subject_id,
            counts={"recipients": sum(row.subject_id == subject_id for row in found)},
        )
    return len(found)


def _way(recipient: Recipient) -> tuple[str, str]:
    """(state, code) in which a telling begins: by itself, or by a person and why."""
    if recipient.channel == Recipient.Channel.HAND or recipient.failure:
        return State.BY_HAND, recipient.failure
    if recipient.channel == Recipient.Channel.MAIL and not mail.ready():
        return State.BY_HAND, "no_mail_server"
    return State.TELLING, ""


def _send(actor: Actor, rows: Sequence[Disclosure]) -> None:
    for kind in (BY_WEBHOOK, BY_MAIL):
        about = [row.pk for row in rows if row.recipient.channel == kind.by]
        if about:
            outbox.send(actor=actor, kind=kind.name, about=about)
            outbox.send_again(actor=actor, kind=kind.name, about=about)


def still_open(subject: str) -> Exists:
    """Whether a subject (the name of its column) waits for a recipient to be told."""
    return Exists(Disclosure.objects.filter(subject_id=OuterRef(subject), state__in=OPEN))


def waiting() -> QuerySet[Disclosure]:
    """What a person has to tell."""
    rows = Disclosure.objects.filter(state=State.BY_HAND)
    return rows.select_related("recipient").order_by("pk")


def of_people(subject_ids: Sequence[UUID]) -> list[Disclosure]:
    """To whom these people were disclosed, the first first, and what became of the telling."""
    rows = Disclosure.objects.filter(subject_id__in=subject_ids).select_related("recipient")
    return list(rows.order_by("disclosed_on", "pk"))


def open_of(subject_ids: QuerySet[Any]) -> int:
    """How many recipients of these people are still to be told."""
    return Disclosure.objects.filter(subject_id__in=subject_ids, state__in=OPEN).count()


def per_recipient() -> dict[UUID, dict[str, int]]:
    """Recipient → how many disclosures are where."""
    found: dict[UUID, dict[str, int]] = {}
    rows = Disclosure.objects.order_by().values_list("recipient_id", "state")
    for recipient_id, state, count in rows.annotate(n=Count("pk")):
        found.setdefault(recipient_id, {})[state] = count
    return found


def references(rows: Sequence[Disclosure]) -> dict[UUID, str]:
    """What the recipient of each calls the person: for showing, never for keeping. Who is
    shredded is absent."""
    opened = keys.open_many({row.subject_id for row in rows})
    return {
        row.pk: recipients.reference_of(row, opened[row.subject_id])
        for row in rows
        if row.subject_id in opened
    }


def _told_by(channel: str, disclosure_id: UUID) -> Mail | Webhook | str:
    """What leaves now; `settled` when somebody settled it meanwhile, or it is told in another way.
    Raises DomainError."""
    found = Disclosure.objects.select_related("recipient").filter(pk=disclosure_id).first()
    if found is None or found.state != State.TELLING or found.recipient.channel != channel:
        return "settled"
    reference = recipients.reference_of(found, keys.open_one(found.subject_id))
    company = controllers.current()
    if found.recipient.channel == Recipient.Channel.MAIL:
        return letters.erasure_notice(company, to=found.recipient.address, reference=reference)
    body = {
        "type": "person.erased",
        "timestamp": clock.now().isoformat(),
        "data": {
            "controller": company.name,
            "reference": reference,
            "article": "GDPR 19",
            "notice": str(found.pk),
        },
    }
    return Webhook(found.recipient.address, body, recipients.secrets(found.recipient))


def _ended(channel: str, actor: Actor, disclosure_id: UUID, state: str, code: str) -> None:
    """In the transaction that ends the message."""
    rows = Disclosure.objects.filter(pk=disclosure_id, state=State.TELLING)
    # The recipient first, as everybody locks them.
    mine = Recipient.objects.select_for_update().filter(
        pk__in=rows.values("recipient_id"), channel=channel
    )
    recipient = mine.first()
    found = rows.select_for_update().first()
    if recipient is None or found is None:
        return  # settled, or told in another way meanwhile
    if state == "delivered":
        mailed = channel == Recipient.Channel.MAIL
        state, verb = (State.MAILED, events.MAILED) if mailed else (State.TOLD, events.TOLD)
        _settle(actor, found, state, verb)
        return
    found.state, found.code = State.BY_HAND, code
    found.save(update_fields=["state", "code"])
    audit.record(events.TELL_BY_HAND, actor=actor, object_id=found.subject_id, refs=_refs(found))
    if state == "failed" and code in UNREACHABLE:
        _unreachable(actor, recipient, code)


def _unreachable(actor: Actor, recipient: Recipient, code: str) -> None:
    """Whoever is told next would fail in the same way: a person first, until it is corrected."""
    recipient.failure = code
    recipient.save(update_fields=["failure"])
    others = Disclosure.objects.filter(recipient=recipient, state=State.TELLING)
    count = others.update(state=State.BY_HAND, code=code)
    audit.record(
        events.RECIPIENT_UNREACHABLE,
        actor=actor,
        object_id=recipient.pk,
        counts={"erasures": count + 1},
    )


BY_MAIL = kinds.declare(Kind("recipient_mail", partial(_told_by, "mail"), partial(_ended, "mail")))
BY_WEBHOOK = kinds.declare(
    Kind(
        "recipient_webhook",
        partial(_told_by, "webhook"),
        partial(_ended, "webhook"),
        by="webhook",
    )
)


@transaction.atomic
def told(*, actor: Actor, disclosure_id: UUID) -> None:
    """A person states that they told the recipient. Raises Refused, Missing, Conflict."""
    require_role(actor, Role.RECOPS, Role.DPO)
    found = _locked(disclosure_id)
    found.settled_by = actor.id
    _settle(actor, found, State.STATED, events.TOLD_BY_HAND)


@transaction.atomic
def exempt(*, actor: Actor, disclosure_id: UUID, ground: str) -> None:
    """Telling them is impossible or a disproportionate effort (art. 19): a DPO says so.

    Raises Refused, Missing, Conflict, Invalid.
    """
    require_role(actor, Role.DPO)
    if ground not in events.EXEMPTIONS:
        message = _("Say why: impossible, or disproportionate.")
        raise Invalid("ground", message, field="ground")
    found = _locked(disclosure_id)
    found.settled_by, found.code = actor.id, ground
    _settle(actor, found, State.EXEMPT, events.EXEMPTED, codes={"ground": ground})


@transaction.atomic
def tell_again(*, actor: Actor, recipient_id: UUID) -> int:
    """What waits for a person leaves by mail or webhook after all: the recipient is reached again.

    Raises Refused, Missing, or Conflict for one who is told by a person. How many.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    recipient = Recipient.objects.select_for_update().filter(pk=recipient_id).first()
    if recipient is None:
        raise Missing("recipient", _("There is no such recipient."), field="recipient")
    if recipient.channel == Recipient.Channel.HAND:
        raise Conflict("by_hand", _("This recipient is told by a person. Change that first."))
    if recipient.channel == Recipient.Channel.MAIL and not mail.ready():
        message = _("There is no mail server: your operator sets LETHE_MAIL_HOST first.")
        raise Conflict("no_mail_server", message)
    Recipient.objects.filter(pk=recipient_id).update(failure="")
    rows = Disclosure.objects.filter(recipient=recipient, state=State.BY_HAND)
    found = list(rows.select_for_update(of=("self",)).select_related("recipient").order_by("pk"))
    Disclosure.objects.filter(pk__in=[row.pk for row in found]).update(state=State.TELLING, code="")
    _send(actor, found)
    audit.record(
        events.TOLD_AGAIN, actor=actor, object_id=recipient_id, counts={"erasures": len(found)}
    )
    return len(found)


@transaction.atomic
def came_back(*, actor: Actor, recipient_id: UUID) -> int:
    """The mails of the last days to this recipient came back: they are not told. From now on a
    person tells them. Raises Refused, Missing, Conflict. How many erasures.

    Whose key still waits for another recipient waits for this one again. A key that is gone does
    not come back: what was called sent is called returned.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    recipient = Recipient.objects.select_for_update().filter(pk=recipient_id).first()
    if recipient is None:
        raise Missing("recipient", _("There is no such recipient."), field="recipient")
    if recipient.channel != Recipient.Channel.MAIL:
        raise Conflict("no_mail", _("This recipient is not told by e-mail."))
    recipient.failure = "mail_returned"
    recipient.save(update_fields=["failure"])
    mine = Disclosure.objects.filter(recipient=recipient)
    mine.filter(state=State.TELLING).update(state=State.BY_HAND, code="mail_returned")
    recent = mine.filter(state=State.MAILED, settled_at__gt=clock.now() - RETURNS)
    people = Subject.objects.filter(
        pk__in=recent.values("subject_id"), state=Subject.State.SHREDDING
    ).values_list("pk", flat=True)
    keyed = set(people) - keys.journalled(list(people))
    waiting = recent.filter(subject_id__in=keyed)
    reopened = waiting.update(state=State.BY_HAND, code="mail_returned", settled_at=None)
    returned = recent.update(state=State.RETURNED, code="mail_returned")
    audit.record(
        events.RECIPIENT_RETURNED,
        actor=actor,
        object_id=recipient_id,
        counts={"returned": reopened + returned},
    )
    return reopened + returned


@transaction.atomic
def lapse(*, actor: Actor) -> int:
    """What was not told in time is called that, so that the key goes. How many."""
    rows = Disclosure.objects.filter(state__in=OPEN, tell_by__lte=clock.now())
    found = list(rows.select_for_update(skip_locked=True).order_by("pk")[:1_000])
    for row in found:
        _settle(actor, row, State.LAPSED, events.LAPSED)
    return len(found)


def too_late(subject_ids: Sequence[UUID]) -> None:
    """A mail to their recipients came back while their keys were going. Part of the caller's
    transaction, whose entry names the actor."""
    rows = Disclosure.objects.filter(subject__any=subject_ids, state__in=OPEN)
    rows.update(state=State.RETURNED, settled_at=clock.now())


def lose(subject_ids: Sequence[UUID]) -> None:
    """Their keys went after a backup was made from which this database was restored: what it
    knows of their recipients was settled since, and how is lost. Part of the caller's
    transaction, whose entry names the actor."""
    rows = Disclosure.objects.filter(subject_id__in=subject_ids)
    unsettled = rows.filter(state__in=(State.RECORDED, *OPEN))
    unsettled.update(state=State.UNKNOWN, settled_at=clock.now())


def _settle(
    actor: Actor, found: Disclosure, state: str, verb: Verb, codes: dict[str, str] | None = None
) -> None:
    found.state, found.settled_at = state, clock.now()
    found.save(update_fields=["state", "code", "settled_at", "settled_by"])
    audit.record(
        verb, actor=actor, object_id=found.subject_id, refs=_refs(found), codes=codes or {}
    )


def _refs(found: Disclosure) -> dict[str, UUID]:
    return {"recipient": found.recipient_id, "disclosure": found.pk}


def _locked(disclosure_id: UUID) -> Disclosure:
    found: Disclosure | None = (
        Disclosure.objects.select_for_update().filter(pk=disclosure_id).first()
    )
    if found is None:
        raise Missing("disclosure", _("There is no such disclosure."))
    if found.state not in OPEN:
        raise Conflict("disclosure_state", _("This is settled already. Look again."))
    return found
