"""The machines' keys of a legal entity."""

from __future__ import annotations

from typing import Any

from apps.accounts import selectors
from apps.accounts.models import ApiKey
from apps.controllers.management.scoped import ScopedCommand


class Command(ScopedCommand):
    help = "List API keys: id, first characters, end or revocation, scopes, name."

    def act_within(self, **options: Any) -> None:
        for key in selectors.api_keys():
            self.stdout.write(
                f"{key.pk}  {key.prefix}  {_end(key)}  {','.join(key.scopes)}  {key.name}"
            )


def _end(key: ApiKey) -> str:
    word, at = ("revoked", key.revoked_at) if key.revoked_at else ("until", key.expires_at)
    return f"{word} {at:%Y-%m-%d}"
