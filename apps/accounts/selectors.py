"""Reads of this room: who may do what."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey, Membership, SavedView, User
from apps.controllers.models import Controller
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import Missing, Refused


def controllers_of(user_id: UUID) -> list[Controller]:
    """The legal entities a person works for, by name."""
    held = Membership.objects.filter(user_id=user_id).values("controller_id")
    return list(Controller.objects.filter(pk__in=held).order_by("name"))


def roles(user_id: UUID, controller_id: UUID) -> frozenset[str]:
    rows = Membership.objects.filter(user_id=user_id, controller_id=controller_id)
    return frozenset(rows.values_list("role", flat=True))


def members() -> list[User]:
    """The people who work for the controller in scope, by name."""
    held = Membership.objects.filter(controller_id=scope.current()).values("user_id")
    return list(User.objects.filter(pk__in=held, is_active=True).order_by("name", "email"))


def saved_views(user_id: UUID) -> list[SavedView]:
    """A person's views of lists for the controller in scope, by name."""
    return list(SavedView.objects.filter(user_id=user_id).order_by("name"))


def require_role(actor: Actor, *allowed: str) -> None:
    """Raises Refused unless the actor is a person holding one of the roles in this scope."""
    held = roles(actor.id, scope.current()) if actor.kind == "user" else frozenset()
    if not held & set(allowed):
        raise Refused("role", _("Your role does not allow this. Ask your DPO."))


def user(email: str) -> User:
    """The person with this e-mail address. Raises Missing."""
    found = User.objects.filter(email__iexact=email).first()
    if found is None:
        raise Missing("user", _("Nobody has an account with this address."), field="email")
    return found


def api_keys() -> QuerySet[ApiKey]:
    """The machines' keys of the controller in scope, oldest first."""
    return ApiKey.objects.order_by("created_at", "pk")
