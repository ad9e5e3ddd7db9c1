"""What commands share that touch whole databases: they run as the owner."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from apps.core.management.operating import OperatorCommand


class OwnerCommand(OperatorCommand):
    def act(self, **options: Any) -> None:
        if not settings.AS_OWNER:
            raise CommandError(_("Run this as the owner: set LETHE_DATABASE_ROLE=owner."))
        self.act_as_owner(**options)

    def act_as_owner(self, **options: Any) -> None:
        raise NotImplementedError
