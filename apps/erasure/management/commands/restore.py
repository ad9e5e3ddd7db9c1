"""Bring a backup back into empty databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from apps.core.actors import SYSTEM
from apps.core.management.owning import OwnerCommand
from apps.erasure import copies


class Command(OwnerCommand):
    help = (
        "Restore a backup into empty databases and an empty LETHE_KEYS_DIR; with --main-only, "
        "beside the keys database and the key files that are here. Nothing is answered before "
        "replay_erasures has run."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        # `from` is no name in Python.
        parser.add_argument("--from", dest="source", type=Path, required=True, metavar="DIRECTORY")
        parser.add_argument(
            "--main-only", action="store_true", help="the keys are still here, and newer"
        )

    def act_as_owner(self, **options: Any) -> None:
        copies.restore(actor=SYSTEM, source=options["source"], main_only=options["main_only"])
        self.stdout.write(_("Restored, and closed until you have run manage.py replay_erasures."))
