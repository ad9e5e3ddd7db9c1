"""End a legal entity's key epoch before its day."""

from __future__ import annotations

from typing import Any

from apps.controllers.management.scoped import ScopedCommand
from apps.core.actors import SYSTEM
from apps.subjects import shredding


class Command(ScopedCommand):
    help = (
        "End a legal entity's key epoch now, so that what was erased is irreversible in every "
        "backup. Prints each epoch that ended, and how many living keys were re-wrapped."
    )

    def act_within(self, **options: Any) -> None:
        for epoch in shredding.end_epoch(actor=SYSTEM):
            self.stdout.write(f"{epoch.epoch_id}  {epoch.rewrapped}")
