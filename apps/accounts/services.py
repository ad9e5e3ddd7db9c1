"""Writes of this room: people, roles, machines' keys, sign-in links."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import events
from apps.accounts.models import ApiKey, Membership, Role, SavedView, SignInLink, User
from apps.audit import services as audit
from apps.core import clock, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing, Refused

SCOPES = (
    "records:read",
    "consents:read",
    "consents:write",
    "plans:read",
    "plans:write",
    "ledger:read",
)
KEY_LIFETIME = timedelta(days=365)
LINK_LIFETIME = timedelta(hours=12)
_LONGEST_NAME = 60


@transaction.atomic
def invite(
    *, actor: Actor, email: str, name: str, language: str = "fr", password: str | None = None
) -> User:
    """A new member of staff, without any role yet. Raises Invalid or Conflict."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid("email", _("Give a valid e-mail address."), field="email") from error
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict("email_taken", _("This person already has an account."), field="email")
    user = User.objects.create_user(email, password, name=name, language=language)
    audit.record(events.USER_INVITED, actor=actor, log_id=audit.INSTANCE, object_id=user.pk)
    return user


@transaction.atomic
def save_view(*, actor: Actor, name: str, query: Mapping[str, str]) -> SavedView:
    """The actor's own view of a list, by a name; an earlier one of that name is replaced.

    Raises Invalid without a name or without any filter.
    """
    said = name.strip()
    if not said or len(said) > _LONGEST_NAME:
        message = _("Give the view a name of at most %(count)d characters.")
        raise Invalid("name", message % {"count": _LONGEST_NAME}, field="name")
    if not query:
        raise Invalid("query", _("Choose a filter first."), field="name")
    SavedView.objects.filter(user_id=actor.id, name=said).delete()
    view: SavedView = SavedView.objects.create(user_id=actor.id, name=said, query=dict(query))
    audit.record(events.VIEW_SAVED, actor=actor, object_id=actor.id, refs={"view": view.pk})
    return view


@transaction.atomic
def forget_view(*, actor: Actor, view_id: UUID) -> None:
    """Raises Missing for a view of somebody else too."""
    found = SavedView.objects.filter(pk=view_id, user_id=actor.id)
    if not found.exists():
        raise Missing("view", _("There is no such view."))
    found.delete()
    audit.record(events.VIEW_FORGOTTEN, actor=actor, object_id=actor.id, refs={"view": view_id})


@transaction.atomic
def grant(*, actor: Actor, user_id: UUID, role: str) -> Membership:
    """Give a person a role for the controller in scope. Raises Invalid for an unknown role."""
    if role not in Role.values:
        raise Invalid("role", _("There is no such role."), field="role")
    membership, created = Membership.objects.get_or_create(
        user_id=user_id, controller_id=scope.current(), role=role
    )
    if created:
        audit.record(events.ROLE_GRANTED, actor=actor, object_id=user_id, codes={"role": str(role)})
    return membership


@transaction.atomic
def issue_key(
    *, actor: Actor, name: str, scopes: Sequence[str], lifetime: timedelta = KEY_LIFETIME
) -> tuple[ApiKey, str]:
    """(the row, the secret): the secret is returned here and nowhere else, ever."""
    unknown = [item for item in scopes if item not in SCOPES]
    if unknown or not scopes:
        raise Invalid(
            "scopes",
            _("Choose scopes among: %(known)s.") % {"known": ", ".join(SCOPES)},
            field="scopes",
        )
    prefix = "lk_" + secrets.token_hex(4)
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=clock.now() + lifetime,
    )
    audit.record(
        events.KEY_ISSUED, actor=actor, object_id=key.pk, counts={"scopes": len(key.scopes)}
    )
    return key, secret


@transaction.atomic
def revoke_key(*, actor: Actor, key_id: UUID) -> None:
    """Raises Missing when no such key is in scope or it was revoked before."""
    changed = ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=clock.now())
    if not changed:
        raise Missing("key", _("There is no such active key."))
    audit.record(events.KEY_REVOKED, actor=actor, object_id=key_id)


def authenticate_key(secret: str) -> ApiKey:
    """The key a machine presented. Raises Refused, always with the same words."""
    prefix = secret[:11]
    with scope.unscoped("the key itself tells the controller"):
        key = ApiKey.objects.filter(prefix=prefix).first()
    now = clock.now()
    usable = key is not None and key.revoked_at is None and key.expires_at > now
    expected = bytes(key.digest) if key is not None else b"\x00" * 32
    if not secrets.compare_digest(expected, _digest(secret)) or key is None or not usable:
        raise Refused("key_refused", _("This API key is unknown, expired or revoked."))
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        with scope.enter(key.controller_id):
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


@transaction.atomic
def create_sign_in_link(*, actor: Actor, user_id: UUID) -> str:
    """A token for one sign-in from loopback, valid for twelve hours."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.filter(user_id=user_id, used_at=None).delete()
    SignInLink.objects.create(
        user_id=user_id, digest=_digest(token), expires_at=clock.now() + LINK_LIFETIME
    )
    return token


@transaction.atomic
def use_sign_in_link(*, token: str) -> User:
    """The person the link was made for; the link is spent. Raises Refused."""
    used = SignInLink.objects.filter(
        digest=_digest(token), used_at=None, expires_at__gt=clock.now()
    ).update(used_at=clock.now())
    if not used:
        raise Refused("link_spent", _("This link was already used or has expired."))
    user = SignInLink.objects.select_related("user").get(digest=_digest(token)).user
    note_sign_in(user_id=user.pk, by="link")
    return user


@transaction.atomic
def note_sign_in(*, user_id: UUID, by: str) -> None:
    """Write a sign-in to the installation's log; `by` is password, passkey or link."""
    audit.record(
        events.SIGNED_IN,
        actor=Actor("user", user_id),
        log_id=audit.INSTANCE,
        object_id=user_id,
        codes={"by": by},
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
