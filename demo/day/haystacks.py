"""Where traces are searched for: all three databases, the logs, the files of the installation."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg

from apps.connectors.fakes.greenhouse import people as invented
from demo.installation import SEED, Installation
from demo.traces import Needles, search

_DATABASES = ("DATABASE_OWNER_URL", "KEYS_DATABASE_OWNER_URL", "BROKER_URL")
_REMOVE = b"DROP TABLE IF EXISTS planted_traces"
_PLANT = b"CREATE TABLE planted_traces (id int, hidden bytea, mail text, phone text, at date)"
_FILL = b"INSERT INTO planted_traces VALUES (12, %s, %s, %s, '2026-11-23')"
_KINDS = ("surname", "e-mail", "phone")


def add(needles: Needles, indexes: Iterable[int]) -> None:
    """Look for these invented people."""
    for index in indexes:
        person = invented.person(SEED, index)
        needles.add(index, surname=person.surname, emails=person.emails, phones=person.phones)


def everything(installation: Installation) -> Iterator[tuple[str, bytes]]:
    """Each place by its name, with all it holds."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(_REMOVE)  # a former run may have been killed before it did
    for variable in _DATABASES:
        yield f"the database of {variable}", _dump(variable)
    for path in files(installation, Path(os.environ["LETHE_DEMO_LOG"])):
        content = path.read_bytes()
        yield path.name, gzip.decompress(content) if path.suffix == ".gz" else content


def files(installation: Installation, server_log: Path) -> list[Path]:
    """Not the ATSs' own state, which lies outside Lethe, nor the server's data files.

    The server's log is named by itself: under root it may lie outside the installation.
    """
    found = [path for path in installation.root.rglob("*") if _is_ours(installation, path)]
    return sorted({*found, server_log})


def _is_ours(installation: Installation, path: Path) -> bool:
    relative = path.relative_to(installation.root)
    theirs = relative.name.startswith("ats-") or relative.parts[0] == "postgres"
    return not theirs and path.is_file() and not path.is_symlink()


def _dump(variable: str) -> bytes:
    url = os.environ[variable].replace("pgmq://", "postgresql://", 1)
    program = Path(os.environ["LETHE_DEMO_BIN"]) / "pg_dump"
    done = subprocess.run([program, "--no-owner", "--dbname", url], capture_output=True, check=True)
    return done.stdout


def overlooked(installation: Installation) -> list[str]:
    """Kinds of traces that were put into a database and that the search did not find there.

    Of three people one trace each, as they would lie in a row: the surname as bytes, the
    address in capitals, the phone as digits between two numbers.
    """
    first = installation.accounts[0].first_index
    name, mail, phone = (invented.person(SEED, first + number) for number in range(3))
    needles = Needles()
    needles.add(0, surname=name.surname)
    needles.add(1, emails=mail.emails[:1])
    needles.add(2, phones=phone.phones[:1])
    row = (
        name.surname.encode(),
        json.dumps({"to": mail.emails[0].upper()}),
        re.sub(r"\D", "", phone.phones[0]),
    )
    found = search(_planted(row), needles)
    return [kind for number, kind in enumerate(_KINDS) if number not in found]


def _planted(row: tuple[bytes, str, str]) -> bytes:
    """Put the row into a database, dump it, take it away."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(_PLANT)
        try:
            connection.execute(_FILL, row)
            return _dump("DATABASE_OWNER_URL")
        finally:
            connection.execute(_REMOVE)
