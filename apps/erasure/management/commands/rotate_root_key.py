"""Another root key, without stopping anything."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.actors import SYSTEM
from apps.core.management.operating import OperatorCommand
from apps.erasure import rotation


class Command(OperatorCommand):
    help = (
        "Wrap every key file by a new root key while the service runs; by the newest version of "
        "Vault's key where that is the root. Where several machines have a copy of "
        "LETHE_ROOT_KEY_FILE: --prepare, copy the file to each, then run it without an option."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--prepare", action="store_true", help="only add the next key")
        choice.add_argument("--forget", action="store_true", help="drop keys nothing needs now")

    def act(self, **options: Any) -> None:
        prepare, forget = options["prepare"], options["forget"]
        said = self._prepare() if prepare else self._forget() if forget else self._rotate()
        self.stdout.write(said)

    def _prepare(self) -> str:
        rotation.prepare(actor=SYSTEM)
        return _("The next root key is in the file. Copy the file to every machine, then rotate.")

    def _rotate(self) -> str:
        done = rotation.rotate(actor=SYSTEM)
        said = ngettext(
            "%(count)d key file wrapped anew.", "%(count)d key files wrapped anew.", done.files
        )
        text = said % {"count": done.files}
        if not done.promoted:
            text += " " + _("An interrupted rotation is finished; run it again for another key.")
        return text

    def _forget(self) -> str:
        count = rotation.forget(actor=SYSTEM)
        done = ngettext(
            "%(count)d old root key forgotten.", "%(count)d old root keys forgotten.", count
        )
        return done % {"count": count}
