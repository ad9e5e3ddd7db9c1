"""Writes of this room. An event is appended, the record's version rises, the deadline follows."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.audit.verbs import Verb
from apps.consents import events, selectors
from apps.consents.models import ConsentEvent, NoticeGiven
from apps.controllers import selectors as controllers
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.subjects import selectors as subject_selectors
from apps.subjects import services as subjects
from apps.subjects.models import Subject

_LIVING = (ConsentEvent.State.GIVEN, ConsentEvent.State.RENEWED)


@transaction.atomic
def record(
    *,
    actor: Actor,
    subject_id: UUID,
    purpose: str,
    effective_on: date,
    notice: str,
    source: str,
) -> ConsentEvent:
    """A consent given, or renewed when one lives. Raises Refused, Invalid or Missing.

    `notice` is the version of the notice the person read: without it a consent is not
    informed (GDPR art. 4(11)) and is refused.
    """
    _require_staff(actor)
    if not notice.strip():
        raise Invalid("notice", _("Say which notice the person read."), field="notice")
    _check(purpose, effective_on)
    _lock_living(subject_id)
    last = selectors.current([subject_id], purpose).get(subject_id)
    renewal = last is not None and last.state in _LIVING
    state = ConsentEvent.State.RENEWED if renewal else ConsentEvent.State.GIVEN
    event = _append(
        last,
        subject_id=subject_id,
        purpose=purpose,
        state=state,
        effective_on=effective_on,
        notice=notice.strip(),
        source=source,
    )
    verb = events.CONSENT_RENEWED if renewal else events.CONSENT_GIVEN
    _follow(event, verb, actor)
    return event


@transaction.atomic
def withdraw(
    *, actor: Actor, subject_id: UUID, purpose: str, effective_on: date, source: str
) -> ConsentEvent:
    """A withdrawal (art. 7(3)). Raises Refused, Missing, or Conflict without a living consent."""
    _require_staff(actor)
    _check(purpose, effective_on)
    _lock_living(subject_id)
    last = selectors.current([subject_id], purpose).get(subject_id)
    if last is None or last.state not in _LIVING:
        raise Conflict("no_consent", _("There is no consent to withdraw."))
    state = ConsentEvent.State.WITHDRAWN
    event = _append(
        last,
        subject_id=subject_id,
        purpose=purpose,
        state=state,
        effective_on=effective_on,
        source=source,
    )
    _follow(event, events.CONSENT_WITHDRAWN, actor)
    return event


@transaction.atomic
def give_notice(
    *, actor: Actor, subject_id: UUID, notice: str, given_on: date, source: str
) -> NoticeGiven:
    """A sourced person was told under GDPR art. 14: another rule begins with the first notice.

    Raises Refused, Missing, or Invalid without the notice's version and for a day in the future.
    """
    _require_staff(actor)
    if not notice.strip():
        raise Invalid("notice", _("Say which notice the person was sent."), field="notice")
    if given_on > clock.today(controllers.current().time_zone):
        raise Invalid("future", _("The date is in the future."), field="given_on")
    _lock_living(subject_id)
    made: NoticeGiven = NoticeGiven.objects.create(
        subject_id=subject_id, notice=notice.strip(), given_on=given_on, source=source
    )
    subjects.touch(subject_selectors.family(subject_id), actor=actor)
    audit.record(
        events.NOTICE_GIVEN,
        actor=actor,
        object_id=subject_id,
        refs={"notice": made.pk},
        dates={"given_on": given_on},
    )
    return made


def _require_staff(actor: Actor) -> None:
    """Of people, those who work with candidates; a machine's scopes are its door's to check."""
    if actor.kind == "user":
        require_role(actor, Role.RECOPS, Role.DPO)


def _check(purpose: str, effective_on: date) -> None:
    if purpose not in ConsentEvent.Purpose.values:
        raise Invalid("purpose", _("There is no such purpose."), field="purpose")
    if effective_on > clock.today(controllers.current().time_zone):
        raise Invalid("future", _("The date is in the future."), field="effective_on")


def _lock_living(subject_id: UUID) -> None:
    """Records first, then the subject: the order in which everybody locks them."""
    subjects.lock_family(subject_selectors.family(subject_id))
    living = Subject.objects.select_for_update().filter(pk=subject_id, state=Subject.State.LIVING)
    if not living.exists():
        raise Missing("subject", _("There is no such person."))


def _append(last: ConsentEvent | None, **values: Any) -> ConsentEvent:
    """The next event of a subject and purpose; the sequence is unique, so two cannot be equal."""
    event = ConsentEvent(
        controller_id=scope.current(), sequence=last.sequence + 1 if last else 1, **values
    )
    event.save(force_insert=True)
    return event


def _follow(event: ConsentEvent, verb: Verb, actor: Actor) -> None:
    subjects.touch(subject_selectors.family(event.subject_id), actor=actor)
    audit.record(
        verb,
        actor=actor,
        object_id=event.subject_id,
        refs={"receipt": event.pk},
        codes={"purpose": event.purpose},
    )
