"""The databases of a test session: one server, two databases, tests as the runtime role.

The server is an embedded PostgreSQL in a temporary directory, started once per session (by the
controller when xdist runs workers), or the one that LETHE_TEST_DATABASE_URL names with a
superuser's URL. Nothing that this session did not create is touched.

The owner migrates a template; each worker works on copies of it, as the runtime role. A test
with `transaction=True` leaves committed rows behind, and neither the runtime role nor the
ledger's triggers let them be removed: its databases are copied from the template again.
"""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from apps.core import grants
from config import embedded, env

EXTERNAL: Final = "LETHE_TEST_DATABASE_URL"
EXTERNAL_BROKER: Final = "LETHE_TEST_BROKER_URL"
EXPORTED: Final = "LETHE_TEST_SERVER"
#: alias → the variable that names its database, for us and for the processes a test starts.
VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    "default": ("DATABASE_URL", "DATABASE_OWNER_URL"),
    "keys": ("KEYS_DATABASE_URL", "KEYS_DATABASE_OWNER_URL"),
}
#: Linux' memory file system, used when this much of it is free (a container may give 64 MB).
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private directory is made in it
MEMORY_BYTES: Final = 2 * 1024**3
# Any number does, as long as only this module takes it.
TEMPLATE_LOCK: Final = 0x4C45544845


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, its superuser's DSN, and the names this session uses on it."""

    admin: str
    prefix: str
    owner: str
    runtime: str
    password: str = ""

    def connect(self, dbname: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(make_conninfo(self.admin, dbname=dbname), autocommit=True)

    def dsn(self, dbname: str, user: str) -> str:
        access = {"password": self.password} if self.password else {}
        return make_conninfo(self.admin, dbname=dbname, user=user, **access)

    def template(self, alias: str) -> str:
        return f"{self.prefix}_{alias}_template"

    def database(self, alias: str, worker: str) -> str:
        return f"{self.prefix}_{alias}_{worker}"


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """The session's server; the first to ask starts it and exports it to its children."""
    if EXPORTED in os.environ:
        yield Server(**json.loads(os.environ[EXPORTED]))
        return
    with _external() if EXTERNAL in os.environ else _embedded() as found:
        os.environ[EXPORTED] = json.dumps(asdict(found))
        try:
            yield found
        finally:
            del os.environ[EXPORTED]


@contextlib.contextmanager
def _embedded() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="lethe-test-", dir=memory()))
    # The server may run as another account (under root): it must be able to walk through.
    home.chmod(0o711)
    try:
        with embedded.running(home / "data", volatile=True) as cluster:
            embedded.provision(cluster, databases=())
            admin = cluster.dsn("postgres", embedded.SUPERUSER)
            yield Server(admin, "lethe", embedded.OWNER, embedded.RUNTIME)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def memory() -> Path | None:
    """Where a cluster's thousands of small files cost nothing; None: the usual place.

    Copying a template makes hundreds of files: 0.6 s on a disk here, 0.06 s in memory.
    """
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
            return MEMORY
    return None


@contextlib.contextmanager
def _external() -> Iterator[Server]:
    """Roles and databases of our own, named at random, on a server that others use too."""
    prefix = f"lethe_test_{secrets.token_hex(4)}"
    found = Server(
        make_conninfo(os.environ[EXTERNAL]),
        prefix,
        f"{prefix}_owner",
        f"{prefix}_app",
        secrets.token_hex(16),
    )
    with found.connect() as connection:
        embedded.provision_on(connection, databases=(), owner=found.owner, runtime=found.runtime)
        for role in (found.owner, found.runtime):
            query = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(query.format(sql.Identifier(role), sql.Literal(found.password)))
    try:
        yield found
    finally:
        _remove(found)


def _remove(found: Server) -> None:
    with found.connect() as connection:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in connection.execute(query, (f"{found.prefix}_",)).fetchall():
            _drop(connection, name)
        for role in (found.owner, found.runtime):
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _drop(connection: psycopg.Connection, name: str) -> None:
    query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(query.format(sql.Identifier(name)))


def prepare(found: Server, worker: str) -> Callable[[], None]:
    """Give this worker its databases; the answer makes them anew (after a committing test)."""
    with found.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        _build_templates(found, connection)
        broker = found.database("broker", worker)
        embedded.provision_on(
            connection, databases=(broker,), owner=found.owner, runtime=found.runtime
        )
    os.environ["BROKER_URL"] = os.environ.get(EXTERNAL_BROKER) or _broker_url(found, broker)
    settings.BROKER_URL = os.environ["BROKER_URL"]
    for alias in VARIABLES:
        _point(found, alias, found.database(alias, worker), found.runtime)

    def renew() -> None:
        connections.close_all()
        with found.connect() as connection:
            for alias in VARIABLES:
                _copy(found, connection, alias, worker)

    renew()
    return renew


def _broker_url(found: Server, name: str) -> str:
    """As `pgmq://?…`: every parameter of the DSN in the query, so that nothing is lost."""
    parts = conninfo_to_dict(found.dsn(name, found.runtime))
    return f"pgmq://?{urlencode({key: str(value) for key, value in parts.items()})}"


def _build_templates(found: Server, connection: psycopg.Connection) -> None:
    names = [found.template(alias) for alias in VARIABLES]
    query = "SELECT count(*) FROM pg_database WHERE datname = ANY(%s)"
    row = connection.execute(query, (names,)).fetchone()
    if row == (len(names),):
        return
    try:
        _migrate_templates(found, connection, names)
    except BaseException:
        for name in names:  # another worker must not take a half-built template for whole
            _drop(connection, name)
        raise


def _migrate_templates(found: Server, connection: psycopg.Connection, names: list[str]) -> None:
    embedded.provision_on(connection, databases=names, owner=found.owner, runtime=found.runtime)
    for alias in VARIABLES:
        _point(found, alias, found.template(alias), found.owner)
    try:
        for alias in VARIABLES:
            call_command(
                "migrate", database=alias, interactive=False, verbosity=0, skip_checks=True
            )
            grants.apply(alias, role=found.runtime)
    finally:
        connections.close_all()


def _copy(found: Server, connection: psycopg.Connection, alias: str, worker: str) -> None:
    name = found.database(alias, worker)
    _drop(connection, name)
    query = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
    connection.execute(
        query.format(*map(sql.Identifier, (name, found.template(alias), found.owner)))
    )


def _point(found: Server, alias: str, name: str, role: str) -> None:
    """Lead the alias to this database, here and in the processes that tests start."""
    runtime_variable, owner_variable = VARIABLES[alias]
    os.environ[runtime_variable] = found.dsn(name, found.runtime)
    os.environ[owner_variable] = found.dsn(name, found.owner)
    chosen = owner_variable if role == found.owner else runtime_variable
    for attribute in ("USER", "PASSWORD", "HOST", "PORT"):
        connections.databases[alias].pop(attribute, None)
    connections.databases[alias].update(env.database(chosen))
    connections.configure_settings(connections.databases)
    for connection in connections.all(initialized_only=True):
        if connection.alias == alias:
            connection.close()
            del connections[alias]
