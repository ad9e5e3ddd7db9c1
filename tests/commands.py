"""Ola at the command line: she types a command, and reads what it prints or why it refuses."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation


class Terminal(io.StringIO):
    """A stdin that somebody sits at."""

    def isatty(self) -> bool:
        return True


def run(name: str, *arguments: object, stdin: str | io.StringIO = "") -> list[str]:
    """The lines on stdout."""
    out = io.StringIO()
    given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
    with pytest.MonkeyPatch.context() as patch, translation.override("en"):
        patch.setattr(sys, "stdin", given)
        call_command(name, *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def refused(name: str, *arguments: object, stdin: str | io.StringIO = "") -> str:
    """What the command says instead of a traceback."""
    with pytest.raises(CommandError) as caught:
        run(name, *arguments, stdin=stdin)
    return str(caught.value)
