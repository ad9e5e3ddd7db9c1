"""Erase again, in a restored service, what was erased since the backup."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.core.actors import SYSTEM
from apps.core.management.operating import OperatorCommand
from apps.erasure import replay


class Command(OperatorCommand):
    help = (
        "After a restore: erase again what was erased since the backup, continue the ledgers under "
        "new names, stop all erasures until a DPO resumes them, and open the service."
    )

    def act(self, **options: Any) -> None:
        done = replay.replay(actor=SYSTEM)
        self.stdout.write(
            _(
                "%(people)d people and %(archives)d archives erased again; %(forgotten)d keys of "
                "people unknown to the backup destroyed. All erasures are stopped until a DPO "
                "resumes them in the console."
            )
            % {
                "people": done.people,
                "archives": done.archives,
                "forgotten": done.forgotten,
            }
        )
