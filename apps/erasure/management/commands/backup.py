"""Back both databases and the key files up into a new directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import SYSTEM
from apps.core.management.owning import OwnerCommand
from apps.erasure import copies


class Command(OwnerCommand):
    help = (
        "Back up both databases and the key files into a new directory. Its copy of the keys opens "
        "only with a key in LETHE_COPY_KEYS_DIR, which is destroyed on the copy's last day. Prints "
        "the copy's id and that day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, metavar="DIRECTORY")

    def act_as_owner(self, **options: Any) -> None:
        made = copies.backup(actor=SYSTEM, to=options["to"])
        self.stdout.write(f"{made.copy_id}  {made.expires_on.isoformat()}")
