"""Ask an ATS whether the credential of a connection still does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.connectors import services
from apps.connectors.management.connected import ConnectionCommand


class Command(ConnectionCommand):
    help = "Ask the ATS whether the credential works and has every permission it needs."

    def act_on(self, connection_id: UUID, **options: Any) -> None:
        services.check(connection_id=connection_id)
        self.stdout.write(_("The ATS answers; the credential has every permission it needs."))
