import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import embedded, embedded_home
from config.embedded import EmbeddedError
from tests import database


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the server's account can walk through, whoever runs the tests."""
    short = database.memory() or Path("/tmp")  # noqa: S108 - the directory in it is made 0711
    path = short / f"lethe-{os.getpid()}-{time.monotonic_ns()}"
    path.mkdir(mode=0o711)
    yield path
    subprocess.run([*_COMMAND, "stop", "--data", path / "data"], check=False, capture_output=True)
    shutil.rmtree(path, ignore_errors=True)


_COMMAND = [sys.executable, "-m", "config.embedded"]


def _server_pid(cluster: embedded.Cluster) -> int:
    return int((cluster.files / "postmaster.pid").read_text().split()[0])


def test_a_cluster_keeps_its_rows_and_roles_over_a_restart(place: Path) -> None:
    with embedded.running(place / "data", volatile=True) as cluster:
        embedded.provision(cluster)
        with psycopg.connect(cluster.url("lethe", "lethe_owner")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'é' AS letter")
    with embedded.running(place / "data", volatile=True) as cluster:
        embedded.provision(cluster)
        with psycopg.connect(cluster.dsn("lethe", "lethe_owner")) as connection:
            assert connection.execute("SELECT upper(letter) FROM kept").fetchone() == ("É",)


def test_the_runtime_role_may_connect_and_own_nothing(place: Path) -> None:
    with embedded.running(place / "data", volatile=True) as cluster:
        embedded.provision(cluster)
        for database in ("lethe", "lethe_keys"):
            with (
                psycopg.connect(cluster.dsn(database, "lethe_app")) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute("CREATE TABLE mine ()")


def test_it_listens_on_a_private_socket_and_nowhere_else(place: Path) -> None:
    with embedded.running(place / "data", volatile=True) as cluster, cluster.connect() as admin:
        assert admin.execute("SHOW listen_addresses").fetchone() == ("",)
        assert stat.S_IMODE(cluster.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.files.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_gets_a_short_directory(place: Path) -> None:
    with embedded.running(place / ("long" * 30), volatile=True) as cluster:
        assert len(cluster.host) < 90
        assert stat.S_IMODE(cluster.sockets.stat().st_mode) == 0o700
        with cluster.connect() as admin:
            assert admin.execute("SELECT 1").fetchone() == (1,)
    cluster.sockets.rmdir()


def test_a_log_never_quotes_statements_or_rows(place: Path) -> None:
    with embedded.running(place / "data", volatile=True) as cluster, cluster.connect() as admin:
        admin.execute("CREATE TABLE person (mail text PRIMARY KEY)")
        admin.execute("INSERT INTO person VALUES ('zelda@quux.example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            admin.execute("INSERT INTO person VALUES ('zelda@quux.example')")
        log = cluster.log.read_text()
    assert "duplicate key" in log
    assert "zelda" not in log


def test_a_second_process_is_told_who_uses_the_directory(place: Path) -> None:
    with (
        embedded.running(place / "data", volatile=True),
        pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"),
    ):
        embedded.start(place / "data")


def test_a_directory_of_something_else_is_refused_untouched(place: Path) -> None:
    (place / "data").mkdir()
    (place / "data" / "letter.txt").write_text("not Lethe's")
    with pytest.raises(EmbeddedError, match="not a data directory of Lethe"):
        embedded.start(place / "data")
    assert [entry.name for entry in (place / "data").iterdir()] == ["letter.txt"]


def test_another_major_version_is_named(place: Path) -> None:
    embedded.start(place / "data", volatile=True).stop()
    (place / "data" / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 16; this is PostgreSQL 18"):
        embedded.start(place / "data")


def test_a_file_in_place_of_the_directory_is_named(place: Path) -> None:
    (place / "data").write_text("a file")
    with pytest.raises(EmbeddedError, match="cannot be read and written"):
        embedded.start(place / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every directory")
def test_an_unreadable_directory_is_named(place: Path) -> None:
    (place / "data").mkdir(mode=0o000)
    with pytest.raises(EmbeddedError, match="cannot be read and written"):
        embedded.start(place / "data")


@pytest.mark.faults
def test_the_command_starts_shows_and_stops_without_a_traceback(place: Path) -> None:
    def run(verb: str, where: Path) -> subprocess.CompletedProcess[str]:
        command = [*_COMMAND, verb, "--data", str(where)]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    started = run("start", place / "data")
    assert "DATABASE_URL='postgresql://lethe_app@/lethe?host=" in started.stdout
    assert run("status", place / "data").stdout.startswith("running")
    assert run("stop", place / "data").returncode == 0
    assert run("status", place / "data").stdout.startswith("stopped")
    refused = run("start", Path("/proc"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")
    assert "Traceback" not in refused.stderr


@pytest.mark.faults
def test_what_a_killed_process_left_running_is_taken_over(place: Path) -> None:
    script = (
        "import pathlib, time; from config import embedded;"
        f"embedded.start(pathlib.Path({str(place / 'data')!r}), volatile=True);"
        "print('up', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"up\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with embedded.running(place / "data", volatile=True) as cluster, cluster.connect() as admin:
        assert admin.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.faults
def test_a_killed_server_recovers_even_when_its_number_has_gone_to_another(place: Path) -> None:
    cluster = embedded.start(place / "data", volatile=True)
    os.kill(_server_pid(cluster), signal.SIGKILL)
    os.close(cluster.lock)
    pid_file = cluster.files / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    time.sleep(0.5)  # the server's children notice its death and leave its memory
    with embedded.running(place / "data", volatile=True) as again, again.connect() as admin:
        assert admin.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_root_opens_nobodys_directory_and_a_new_directory_gets_a_new_cluster(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_home, "VAULT", place / "vault")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with embedded.running(closed / "data", volatile=True) as cluster:
        assert cluster.files.is_relative_to(place / "vault")
        with cluster.connect() as admin:
            admin.execute("CREATE TABLE kept ()")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    shutil.rmtree(closed / "data")
    with embedded.running(closed / "data", volatile=True) as anew, anew.connect() as admin:
        assert admin.execute("SELECT to_regclass('kept')").fetchone() == (None,)
