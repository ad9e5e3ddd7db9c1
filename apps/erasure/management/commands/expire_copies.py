"""Destroy the keys of the backups' copies whose last day is over."""

from __future__ import annotations

from typing import Any

from apps.core.actors import SYSTEM
from apps.core.management.operating import OperatorCommand
from apps.erasure import copies


class Command(OperatorCommand):
    help = "Destroy the keys of the copies whose last day is over. Prints how many."

    def act(self, **options: Any) -> None:
        self.stdout.write(str(copies.expire(actor=SYSTEM)))
