"""Bring both databases to the present structure and grant the runtime role its rights."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.core import grants


class Command(BaseCommand):
    help = "Migrate the databases as their owner, then grant the runtime role what it may do."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AS_OWNER:
            raise CommandError(_("Run this as the owner: set DATABASE_OWNER_URL."))
        if not settings.RUNTIME_ROLE:
            raise CommandError(_("DATABASE_URL must name the runtime role (its user)."))
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, interactive=False, verbosity=0)
            grants.apply(alias, role=settings.RUNTIME_ROLE)
            self.stdout.write(_("Database “%(alias)s” is ready.") % {"alias": alias})
