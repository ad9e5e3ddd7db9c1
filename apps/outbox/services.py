"""Sending and delivering. A message is written in the transaction of its cause, with no call.

Delivery: claim (a lease, an attempt) │ render │ SMTP or HTTP, outside any transaction │ outcome,
with what follows from it. A worker killed between the server's “250” and the outcome sends the
message again: its Message-ID (or webhook-id) is the same, so that two are one to who gets them.
The other way, marking first, would lose messages without a word.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.crypto import CryptoError
from apps.core.errors import DomainError
from apps.outbox import kinds, mails, selectors, webhooks
from apps.outbox.kinds import Mail, NotTaken, Webhook
from apps.outbox.models import Message

logger = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)
#: The last try is some two days after the first.
MOST_ATTEMPTS = 15
#: What is for a server that was away in this round waits for another one.
AWAY = timedelta(minutes=1)
#: A mail server gets this long (settings.EMAIL_TIMEOUT, twice).
_LONGEST = timedelta(seconds=40)


def send(*, actor: Actor, kind: str, about: Iterable[UUID]) -> int:
    """Inside the caller's transaction, whose entry names the actor: one message about each of
    these, none twice. How many were asked for."""
    made = [Message(controller_id=scope.current(), kind=kind, about=one) for one in about]
    Message.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def deliver(*, actor: Actor) -> int:
    """Deliver what waits; how many messages ended. Without a mail server no mail is tried, so
    that nothing is lost and no attempt is used up.

    What leaves ends at once, each for itself. What needs no call ends together with what follows
    from it, in one transaction: killed before, it is rendered again, and nothing has followed.
    Who does not answer is called once: what else is for them waits for the next round and uses up
    no attempt, so that nobody waits behind a server that is away.
    """
    started = clock.now()
    away: set[str] = set()
    ended, claimed = 0, _claim(started, away)
    while claimed:
        ended += _deliver(actor, claimed, away)
        claimed = _claim(started, away) if len(claimed) == BATCH else []
    return ended


def _deliver(actor: Actor, claimed: Sequence[Message], away: set[str]) -> int:
    ended, unwanted = 0, []
    for message in claimed:
        try:
            leaves = _render(actor, message)
            if isinstance(leaves, str):
                unwanted.append((message, leaves))
            elif isinstance(leaves, bool):
                ended += leaves
            else:
                ended += _leave(actor, message, leaves, away)
        except Exception as error:  # noqa: BLE001 - one message must not keep the others waiting
            # Never its words: they may hold an address.
            logger.warning("message %s: %s", message.pk, type(error).__name__)
            ended += _give_up(actor, message, "internal")
    return ended + _drop(actor, unwanted)


def _drop(actor: Actor, unwanted: Sequence[tuple[Message, str]]) -> int:
    if not unwanted:
        return 0
    try:
        return _drop_together(actor, unwanted)
    except (DomainError, DatabaseError):
        return sum(_drop_one(actor, one, code) for one, code in unwanted)


def _drop_one(actor: Actor, message: Message, code: str) -> bool:
    """One of several cannot end: the others do, each for itself, and it waits with its cause."""
    try:
        return _end(actor, message, Message.State.DROPPED, code)
    except (DomainError, DatabaseError) as error:
        logger.warning("message %s cannot end: %s", message.pk, type(error).__name__)
        return _later(message, "internal")


@transaction.atomic
def _drop_together(actor: Actor, unwanted: Sequence[tuple[Message, str]]) -> int:
    waiting = Message.objects.filter(
        state=Message.State.WAITING, pk__any=[m.pk for m, _ in unwanted]
    )
    locked = waiting.select_for_update().order_by("pk").values_list("pk", "attempt")
    attempts = dict(locked)
    mine = [(one, code) for one, code in unwanted if attempts.get(one.pk) == one.attempt]
    now = clock.now()
    for code in {code for _one, code in mine}:
        ids = [one.pk for one, why in mine if why == code]
        Message.objects.filter(pk__any=ids).update(
            state=Message.State.DROPPED, code=code, lease_until=None, ended_at=now
        )
    for one, code in mine:
        kind = kinds.find(one.kind)
        if kind is not None:
            kind.ended(actor, one.about, Message.State.DROPPED, code)
    return len(mine)


def send_again(*, actor: Actor, kind: str, about: Iterable[UUID]) -> int:
    """Inside the caller's transaction, whose entry names the actor: what ended, however it did,
    waits again, with all its tries before it. How many."""
    ended = Message.objects.filter(kind=kind, about__in=list(about))
    return ended.exclude(state=Message.State.WAITING).update(
        state=Message.State.WAITING,
        attempts_before=F("attempt"),
        code="",
        not_before=None,
        ended_at=None,
    )


def _claim(started: datetime, away: set[str]) -> list[Message]:
    """Of what was due when the round began: what is put off meanwhile is for another one."""
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    due = Q(not_before=None) | Q(not_before__lte=started)
    with transaction.atomic():
        rows = Message.objects.filter(free, due, state=Message.State.WAITING)
        if not selectors.ready() or mails.SERVER in away:
            rows = rows.exclude(kind__in=kinds.by_mail())
        ids = list(
            rows.select_for_update(skip_locked=True)
            .order_by("created_at", "pk")
            .values_list("pk", flat=True)[:BATCH]
        )
        Message.objects.filter(pk__in=ids).update(attempt=F("attempt") + 1, lease_until=now + LEASE)
    return list(Message.objects.filter(pk__in=ids).order_by("created_at", "pk"))


def _render(actor: Actor, message: Message) -> Mail | Webhook | str | bool:
    """What leaves; the code of why nothing does; or whether it ended, where it cannot be said."""
    kind = kinds.find(message.kind)
    if kind is None:
        return _later(message, "unknown_kind")
    try:
        return kind.render(message.about)
    except DomainError as error:
        return _give_up(actor, message, error.code)
    except CryptoError:
        return _give_up(actor, message, "unreadable")


def _leave(actor: Actor, message: Message, leaves: Mail | Webhook, away: set[str]) -> bool:
    """`away`: who did not answer in this round, to which it adds."""
    if away & (webhooks.names(leaves) if isinstance(leaves, Webhook) else {mails.SERVER}):
        return _put_off(message, "webhook_away" if isinstance(leaves, Webhook) else "mail_server")
    if not _mine(message).filter(lease_until__gt=clock.now() + _LONGEST).exists():
        return _untried(message)  # the others took too long: it is free again
    try:
        if isinstance(leaves, Webhook):
            webhooks.post(message.pk, leaves, at=clock.now())
        else:
            mails.post(message.pk, leaves)
    except NotTaken as error:
        logger.warning("message %s was not taken: %s", message.pk, error.code)
        if error.away:
            away.add(error.away)
        if error.final:
            return _end(actor, message, Message.State.FAILED, error.code)
        return _give_up(actor, message, error.code)
    return _end(actor, message, Message.State.DELIVERED, "")


def _put_off(message: Message, code: str) -> bool:
    return _untried(message, not_before=clock.now() + AWAY, code=code)


def _untried(message: Message, **values: Any) -> bool:
    """This was no try of it."""
    before = F("attempts_before") + 1
    _mine(message).update(lease_until=None, attempts_before=before, **values)
    return False


def _give_up(actor: Actor, message: Message, code: str) -> bool:
    if _tries(message) >= MOST_ATTEMPTS:
        return _end(actor, message, Message.State.FAILED, code)
    return _later(message, code)


def _later(message: Message, code: str) -> bool:
    wait = timedelta(minutes=min(2 ** (_tries(message) - 1), 360))
    _mine(message).update(lease_until=None, not_before=clock.now() + wait, code=code)
    return False


def _tries(message: Message) -> int:
    return message.attempt - message.attempts_before


@transaction.atomic
def _end(actor: Actor, message: Message, state: str, code: str) -> bool:
    ended = _mine(message).update(state=state, code=code, lease_until=None, ended_at=clock.now())
    kind = kinds.find(message.kind)
    if ended and kind is not None:
        kind.ended(actor, message.about, state, code)
    return bool(ended)


def _mine(message: Message) -> QuerySet[Message]:
    """The row, while this attempt still holds it."""
    return Message.objects.filter(
        pk=message.pk, attempt=message.attempt, state=Message.State.WAITING
    )
