"""Recipients (art. 4(9)): who gets candidates' data, how they are told of an erasure, and which
person was disclosed to whom, under the reference by which the recipient knows them.

A reference is personal: sealed under the person's key, gone with it. A webhook's secret is shown
once; renewing it leaves the one before it good, so that the other side changes it in its own time.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.selectors import require_role
from apps.audit import services as audit
from apps.controllers import selectors as controllers
from apps.core import canonical, clock, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.outbox import webhooks
from apps.subjects import events, selectors, services
from apps.subjects.models import Disclosure, Recipient, Subject

_RECIPIENT: Final = "subjects_recipient"
_DISCLOSURE: Final = "subjects_disclosure"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Added:
    recipient: Recipient
    #: To be handed to whoever runs the webhook, now: it is not shown again. Empty for the others.
    secret: str = field(repr=False)


@transaction.atomic
def add(*, actor: Actor, name: str, channel: str, address: str) -> Added:
    """A recipient and how to tell them. Raises Refused, or Invalid naming the field."""
    require_role(actor, Role.DPO)
    made = Recipient(
        id=new_id(),
        controller_id=scope.current(),
        name=name.strip(),
        channel=channel,
        address=address.strip(),
    )
    secret = _new_secret() if channel == Recipient.Channel.WEBHOOK else ""
    _check(made)
    _seal(made, [secret] if secret else [])
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid(
            "name_taken", _("There is a recipient of that name."), field="name"
        ) from error
    audit.record(events.RECIPIENT_ADDED, actor=actor, object_id=made.pk, codes={"channel": channel})
    return Added(made, secret)


@transaction.atomic
def change(*, actor: Actor, recipient_id: UUID, channel: str, address: str) -> Added:
    """Tell them in another way, or elsewhere. Raises Refused, Missing, Invalid."""
    require_role(actor, Role.DPO)
    found = _locked(recipient_id)
    if found.channel != channel:
        # What was to leave in the other way waits for a person, or to be told again.
        being_told = found.disclosures.filter(state=Disclosure.State.TELLING)
        being_told.update(state=Disclosure.State.BY_HAND, code="")
    found.channel, found.address, found.failure = channel, address.strip(), ""
    _check(found)
    secret = ""
    if channel == Recipient.Channel.WEBHOOK and not found.sealed_secrets:
        secret = _new_secret()
        _seal(found, [secret])
    found.save()
    audit.record(
        events.RECIPIENT_CHANGED, actor=actor, object_id=found.pk, codes={"channel": channel}
    )
    return Added(found, secret)


@transaction.atomic
def renew_secret(*, actor: Actor, recipient_id: UUID) -> Added:
    """A new secret for a webhook, beside the one before it. Raises Refused, Missing, Conflict."""
    require_role(actor, Role.DPO)
    found = _locked(recipient_id)
    if found.channel != Recipient.Channel.WEBHOOK:
        raise Conflict("no_webhook", _("This recipient is not told by webhook: no secret."))
    secret = _new_secret()
    _seal(found, [secret, *secrets(found)[:1]])
    found.save()
    audit.record(events.RECIPIENT_SECRET, actor=actor, object_id=found.pk)
    return Added(found, secret)


@transaction.atomic
def end(*, actor: Actor, recipient_id: UUID) -> None:
    """Nothing is disclosed to them any more. Raises Refused, Missing, Conflict."""
    require_role(actor, Role.DPO)
    found = _locked(recipient_id)
    if found.ended_at is not None:
        raise Conflict("recipient_ended", _("Somebody did this already. Look again."))
    found.ended_at = clock.now()
    found.save(update_fields=["ended_at"])
    audit.record(events.RECIPIENT_ENDED, actor=actor, object_id=found.pk)


@transaction.atomic
def disclose(
    *,
    actor: Actor,
    subject_id: UUID,
    recipient_id: UUID,
    reference: str,
    disclosed_on: date,
    source: str,
) -> Disclosure:
    """A person's data went to a recipient, who calls them `reference` (at most 200 characters).
    Said twice it is one. Raises Refused, Missing, Conflict, or Invalid naming the field."""
    if actor.kind == "user":
        require_role(actor, Role.RECOPS, Role.DPO)
    if disclosed_on > clock.today(controllers.current().time_zone):
        raise Invalid("future", _("The date is in the future."), field="disclosed_on")
    wanted = reference.strip()
    if not wanted:
        message = _("Give the reference by which the recipient knows the person.")
        raise Invalid("reference", message, field="reference")
    recipient = Recipient.objects.filter(pk=recipient_id).first()
    if recipient is None:
        raise Missing("recipient", _("There is no such recipient."), field="recipient")
    if recipient.ended_at is not None:
        message = _("Nothing is disclosed to this recipient any more.")
        raise Conflict("recipient_ended", message, field="recipient")
    services.lock_family(selectors.family(subject_id))
    if not Subject.objects.filter(pk=subject_id, state=Subject.State.LIVING).exists():
        raise Missing("subject", _("There is no such person."))
    key = keys.open_one(subject_id)
    for before in Disclosure.objects.filter(subject_id=subject_id, recipient=recipient):
        if reference_of(before, key) == wanted:
            return before
    return _disclosed(actor, subject_id, recipient, wanted, disclosed_on, source)


def _disclosed(
    actor: Actor, subject_id: UUID, recipient: Recipient, reference: str, on: date, source: str
) -> Disclosure:
    made = Disclosure(
        id=new_id(), controller_id=scope.current(), subject_id=subject_id, recipient=recipient
    )
    made.disclosed_on, made.source = on, source
    key = keys.open_one(subject_id)
    made.sealed_reference = crypto.seal(
        key, reference.encode(), table=_DISCLOSURE, column="sealed_reference", row=made.pk
    )
    made.save(force_insert=True)
    audit.record(
        events.DISCLOSED,
        actor=actor,
        object_id=subject_id,
        refs={"recipient": recipient.pk, "disclosure": made.pk},
        dates={"disclosed_on": on},
    )
    return made


def reference_of(disclosure: Disclosure, key: bytes) -> str:
    """What the recipient calls the person; empty once it is shredded. Raises CryptoError."""
    if disclosure.sealed_reference is None:
        return ""
    sealed = bytes(disclosure.sealed_reference)
    return crypto.open(
        key, sealed, table=_DISCLOSURE, column="sealed_reference", row=disclosure.pk
    ).decode()


def secrets(recipient: Recipient) -> tuple[str, ...]:
    """The webhook's secrets, the newest first. Raises CryptoError."""
    if recipient.sealed_secrets is None:
        return ()
    plain = crypto.open(
        _key(),
        bytes(recipient.sealed_secrets),
        table=_RECIPIENT,
        column="sealed_secrets",
        row=recipient.pk,
    )
    return tuple(json.loads(plain))


def _key() -> bytes:
    return keys.instance_key("recipients")


def _seal(recipient: Recipient, found: list[str]) -> None:
    sealed = crypto.seal(
        _key(),
        canonical.dumps(found),
        table=_RECIPIENT,
        column="sealed_secrets",
        row=recipient.pk,
    )
    recipient.sealed_secrets = sealed if found else None


def _new_secret() -> str:
    """As Standard Webhooks writes one."""
    return "whsec_" + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def _locked(recipient_id: UUID) -> Recipient:
    found: Recipient | None = Recipient.objects.select_for_update().filter(pk=recipient_id).first()
    if found is None:
        raise Missing("recipient", _("There is no such recipient."), field="recipient")
    return found


def _check(recipient: Recipient) -> None:
    if not recipient.name:
        raise Invalid("name_missing", _("Give the recipient a name."), field="name")
    if recipient.channel not in Recipient.Channel.values:
        raise Invalid("channel", _("Choose how they are told."), field="channel")
    if not recipient.address:
        raise Invalid("address", _("Say where they are reached."), field="address")
    if recipient.channel == Recipient.Channel.WEBHOOK and not webhooks.is_allowed(
        recipient.address
    ):
        message = _(
            "This address is not allowed: it begins with https://, and your operator names its "
            "host in LETHE_WEBHOOK_HOSTS."
        )
        raise Invalid("address", message, field="address")
    if recipient.channel == Recipient.Channel.MAIL:
        try:
            validate_email(recipient.address)
        except ValidationError as error:
            message = _("Give an e-mail address, such as privacy@example.com.")
            raise Invalid("address", message, field="address") from error
