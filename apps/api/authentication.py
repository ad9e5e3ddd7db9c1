"""Who asks: a machine, by its key in `Authorization: Bearer <key>`."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts import services as accounts
from apps.accounts.models import ApiKey
from apps.core.actors import Actor
from apps.core.errors import Refused

CHALLENGE = 'Bearer realm="lethe"'
#: What `accounts.issue_key` makes; anything else never reaches the database.
_SECRET = re.compile(r"lk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Actor, ApiKey] | None:
        """(the actor, its key), or None without the header. Raises AuthenticationFailed."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _space, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not _SECRET.fullmatch(secret.strip()):
            raise _refused()
        try:
            key = accounts.authenticate_key(secret.strip())
        except Refused as error:
            raise _refused() from error
        return Actor("api_client", key.pk), key

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def _refused() -> AuthenticationFailed:
    """The same words whether the key is malformed, unknown, expired or revoked."""
    words = _("This API key is unknown, expired or revoked.")
    return AuthenticationFailed(words, code="key_refused")
