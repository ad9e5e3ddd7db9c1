"""Credentials, from a file that only its owner can read or from stdin: never from argv.

Nothing of what was read is ever repeated: a message names the place, not the value.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from apps.core.errors import Invalid

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def add_argument(parser: CommandParser, *, names: str) -> None:
    parser.add_argument(
        "--credentials",
        type=Path,
        metavar="FILE",
        help=f"a file of mode 0600 with a JSON object: {names}; stdin by default",
    )


def read(path: Path | None) -> dict[str, Any]:
    """The credentials as typed; the service checks each. Raises Invalid."""
    try:
        values = json.loads(_from_stdin() if path is None else _from_file(path))
    except ValueError:
        values = None
    if not isinstance(values, dict) or not values:
        raise _wrong(_("Give the credentials as a JSON object with at least one value."))
    return values


def _from_stdin() -> str:
    if sys.stdin.isatty():
        raise _wrong(_("Name a file, or send the JSON to stdin: a terminal would show it."))
    return sys.stdin.read()


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            # Asked of the open file: the name may lead elsewhere a moment later.
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise _wrong(_("Others can read this file. Run chmod 600 on it first."))
            return file.read()
    except OSError as error:
        raise _wrong(_("This file cannot be read.")) from error


def _wrong(message: str) -> Invalid:
    return Invalid("credentials_input", message, field="credentials")
