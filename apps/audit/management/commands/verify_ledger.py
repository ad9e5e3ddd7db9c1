"""Recompute every ledger and say so, or name the first bad entry."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.audit import verification
from apps.core.errors import Missing


class Command(BaseCommand):
    help = "Recompute ledgers from their entries and check every signed checkpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log", type=UUID, help="one ledger's id; all of them by default")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["log"]
        bad = 0
        try:
            for verdict in [verification.verify(chosen)] if chosen else verification.verify_all():
                self.stdout.write(_line(verdict, as_json=options["json"]))
                bad += not verdict.ok
        except Missing as error:
            raise CommandError(str(error.message)) from error
        if bad:
            raise CommandError(_("%(count)s ledgers do not verify.") % {"count": bad})


def _line(verdict: verification.Verdict, *, as_json: bool) -> str:
    if not as_json:
        return f"{verdict.log_id}  {verdict.sentence}"
    return json.dumps(
        {
            "log": str(verdict.log_id),
            "ok": verdict.ok,
            "size": verdict.size,
            "root": verdict.root.hex(),
            "first_bad": verdict.first_bad,
            "reason": verdict.reason,
            "place": verdict.place,
            "sentence": verdict.sentence,
        }
    )
