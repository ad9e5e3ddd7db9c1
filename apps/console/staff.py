"""Who sits at the console: the person, the controller they work for now, and their roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from apps.accounts import selectors
from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.controllers.models import Controller
from apps.core.actors import Actor

#: Session key of the controller a person switched to. An id, checked at every request.
CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Staff:
    user: User
    controller: Controller
    controllers: tuple[Controller, ...]
    roles: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor("user", self.user.pk)

    @property
    def others(self) -> tuple[Controller, ...]:
        return tuple(item for item in self.controllers if item.pk != self.controller.pk)

    @property
    def is_dpo(self) -> bool:
        return Role.DPO in self.roles

    @property
    def is_recops(self) -> bool:
        return Role.RECOPS in self.roles

    @property
    def may_propose(self) -> bool:
        """RecOps propose plans, import files and sign second; a DPO may do so too."""
        return self.is_recops or self.is_dpo

    @property
    def role_names(self) -> list[str]:
        return [str(Role(role).label) for role in sorted(self.roles)]


class ConsoleRequest(HttpRequest):
    """A request the middleware has placed: `staff` is None for strangers."""

    user: User | AnonymousUser
    staff: Staff | None


class StaffRequest(ConsoleRequest):
    """What a view behind `staff_page` gets: somebody with a membership, inside a scope."""

    user: User
    staff: Staff


def find(request: HttpRequest) -> Staff | None:
    """The person and their controller, or None: not signed in, or without any membership."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    controllers = selectors.controllers_of(user.pk)
    if not controllers:
        return None
    controller = _chosen(controllers, request.session.get(CONTROLLER))
    roles = selectors.roles(user.pk, controller.pk)
    return Staff(user=user, controller=controller, controllers=tuple(controllers), roles=roles)


def switch(request: HttpRequest, staff: Staff, controller_id: UUID) -> bool:
    """Work for another controller from now on; False where there is no membership."""
    if controller_id not in {item.pk for item in staff.controllers}:
        return False
    request.session[CONTROLLER] = str(controller_id)
    return True


def _chosen(controllers: list[Controller], wanted: object) -> Controller:
    # A membership that ended since the switch is simply no longer found.
    return next((item for item in controllers if str(item.pk) == wanted), controllers[0])


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up: an operator invites (`manage.py invite`)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def post_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse:
        """Every way in but the single-use link ends here; the link notes itself."""
        answer: HttpResponse = super().post_login(request, user, **told)
        accounts.note_sign_in(user_id=user.pk, by=_way_in(request, user))
        return answer


def _way_in(request: HttpRequest, user: User) -> str:
    used = {record["method"] for record in get_authentication_records(request, user)}
    return "passkey" if used == {"mfa"} else "password"
