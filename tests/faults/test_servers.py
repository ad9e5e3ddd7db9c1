"""What everything stands on stops in the middle of a plan: PostgreSQL, the broker, the disk."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connections
from psycopg.conninfo import conninfo_to_dict
from pytest_django import Settings

from apps.core.actors import SYSTEM
from apps.core.errors import Unavailable
from apps.erasure import copies, running
from apps.erasure.models import Certificate, Plan, Step
from apps.keys.models import Copy
from config import embedded_home
from tests.database import EXPORTED
from tests.faults import aftermath, table
from tests.faults.test_killed_worker import wait_until, worker
from tests.journeys.house import House, planned

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

SIZE = 40


def _begun(house: House) -> set[str]:
    """A plan that runs slowly, and who is in it."""
    planned(house, *range(1, SIZE + 1))
    house.fault("timeout_after_effect", methods=["PATCH"], seconds=0.2, times=None)
    return aftermath.people(Step.objects.values_list("record_id", flat=True))


def test_two_workers_at_once_share_a_plan(
    house: House, tmp_path: Path, dice: random.Random
) -> None:
    known = _begun(house)
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    with worker(logs[0]), worker(logs[1]):
        wait_until(logs[0], 0)
        aftermath.wait_for_shredding(SIZE)
    table.report(
        "two workers at once",
        did={"steps": SIZE},
        wrong=aftermath.wrongs(house, known, logs),
    )


def _own_server() -> embedded_home.Account:
    """The session's server, when it is ours to stop."""
    if not str(conninfo_to_dict(os.environ["DATABASE_URL"]).get("host", "")).startswith("/"):
        pytest.skip("this server is not ours to stop")
    return embedded_home.account()


def _restart(directory: str, user: embedded_home.Account) -> None:
    """At once, without a checkpoint: what a power cut leaves."""
    tool = embedded_home.binaries(user) / "pg_ctl"
    log = f"{directory}/restarted.log"
    done = user.run([tool, "-D", directory, "-w", "-m", "immediate", "-l", log, "restart"])
    assert done.returncode == 0, done.stderr


@contextmanager
def _durable() -> Iterator[str]:
    """The server of the tests answers before it has written: for this one it writes first, as an
    installation's does. Gives its directory."""
    with psycopg.connect(_admin(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_commit = on")
        connection.execute("SELECT pg_reload_conf()")
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    try:
        yield row[0]
    finally:
        with psycopg.connect(_admin(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_commit")
            connection.execute("SELECT pg_reload_conf()")


def test_postgresql_that_stops_in_the_middle_of_a_plan(
    house: House, tmp_path: Path, dice: random.Random
) -> None:
    user = _own_server()
    known, log, stops = _begun(house), tmp_path / "worker.log", 3
    with _durable() as directory, worker(log):
        for stop in range(stops):
            wait_until(log, SIZE - 2 - stop * 8)
            time.sleep(dice.uniform(0, 0.5))
            connections.close_all()
            _restart(directory, user)
        wait_until(log, 0, seconds=180)
        aftermath.wait_for_shredding(SIZE)
    table.report(
        "PostgreSQL stops",
        did={"stops": stops, "steps": SIZE},
        wrong=aftermath.wrongs(house, known, [log]),
    )


@contextmanager
def _redis(port: int, directory: Path) -> Iterator[None]:
    """A server of this suite's own, without persistence: stopped, it has lost everything."""
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
        cwd=directory,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait()


def test_a_broker_that_stops_and_forgets_everything(
    house: House, tmp_path: Path, dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known, log, stops = _begun(house), tmp_path / "worker.log", 3
    monkeypatch.setenv("BROKER_URL", f"redis://127.0.0.1:{port}/0")
    with _redis(port, tmp_path), worker(log):
        wait_until(log, SIZE - 2)
    # Each time another server, empty, and the worker that lived through it.
    with worker(log):
        for stop in range(stops):
            with _redis(port, tmp_path):
                wait_until(log, SIZE - 4 - stop * 8)
                time.sleep(dice.uniform(0, 1))
            time.sleep(1)
        with _redis(port, tmp_path):
            wait_until(log, 0, seconds=180)
            aftermath.wait_for_shredding(SIZE)
    table.report(
        "the broker stops and forgets",
        did={"stops": stops + 1, "steps": SIZE},
        wrong=aftermath.wrongs(house, known, [log]),
    )


def _admin(dbname: str = "postgres") -> str:
    return f"{json.loads(os.environ[EXPORTED])['admin']} dbname={dbname}"


@contextmanager
def _small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of its own that is soon full; skipped where nobody may mount one."""
    home = Path(tempfile.mkdtemp(prefix="lethe-disk-"))
    home.chmod(0o711)  # the server may run as another account
    directory = home / "disk"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(directory)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        shutil.rmtree(home)
        pytest.skip("no file system can be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
        shutil.rmtree(home)


def test_a_full_disk_under_the_certificates(house: House, dice: random.Random) -> None:
    user = _own_server()
    known = aftermath.people(record.pk for record in planned(house, 1, 2, 3)[1])
    name = str(conninfo_to_dict(os.environ["DATABASE_URL"])["dbname"])
    with _small_disk(256) as disk:
        shutil.chown(disk, user.uid, user.gid)
        with psycopg.connect(_admin(name), autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
            admin.execute("ALTER TABLE erasure_certificate SET TABLESPACE small")
        filling = disk / "filling"
        _fill(filling)
        failed = 0
        deadline = time.monotonic() + 30
        while Step.objects.exclude(state="verified").exists() or not failed:
            assert time.monotonic() < deadline
            failed += _refused_for_space()
        plan = Plan.objects.get()
        assert (plan.state, Certificate.objects.count()) == (Plan.State.APPROVED, 0)
        filling.unlink()
        running.advance_all(actor=SYSTEM)
        plan.refresh_from_db()
        found = Certificate.objects.count()
        wrong = aftermath.wrongs(house, known)
        with psycopg.connect(_admin(name), autocommit=True) as admin:
            admin.execute("ALTER TABLE erasure_certificate SET TABLESPACE pg_default")
            admin.execute("DROP TABLESPACE small")
    table.report(
        "the disk under the certificates is full",
        did={"refusals": failed, "certificates": found},
        wrong={"plans without certificate": 1 - found, **wrong},
    )


def _refused_for_space() -> bool:
    """One tick; whether it came to the full disk."""
    try:
        running.advance_all(actor=SYSTEM)
    except OperationalError as error:
        if "No space left" not in str(error):
            raise
        return True
    return False


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 4096)
        except OSError:
            return


def test_a_full_disk_under_a_backup_leaves_none(
    house: House, tmp_path: Path, dice: random.Random, settings: Settings
) -> None:
    _own_server()
    settings.LETHE_COPY_KEYS_DIR = str(tmp_path / "copy-keys")
    with _small_disk(64) as disk:
        with pytest.raises(Unavailable):
            copies.backup(actor=SYSTEM, to=disk / "backup")
        left = len(list(disk.iterdir()))
    keys = len(list((tmp_path / "copy-keys").glob("*.key")))
    table.report(
        "the disk under a backup is full",
        did={"backups": 1},
        wrong={"halves left": left, "keys left": keys, "copies told of": Copy.objects.count()},
    )
