"""The restore drill, with PostgreSQL's own tools and a second server: who was erased does not come
back, neither out of dumps nor out of a copy of the whole server (docs/howto/restore.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from apps.core import clock, crypto, roots
from apps.keys.models import Copy
from apps.subjects import selectors as subjects
from config import embedded, embedded_home
from config.embedded import Cluster
from tests.journeys.house import House, planned

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
OPEN = {"/": 302, "/api/v1/records": 401, "/healthz": 200, "/readyz": 200}
CLOSED = {"/": 503, "/api/v1/records": 503, "/healthz": 200, "/readyz": 503}


@dataclass
class Site:
    """An installation: what its processes find in their environment."""

    environment: Mapping[str, str]

    def manage(self, *arguments: object, owner: bool = False) -> str:
        done = self._run("manage.py", *arguments, owner=owner)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def refuses(self, *arguments: object) -> str:
        done = self._run("manage.py", *arguments, owner=True)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def pry(self, controller: UUID, subject: UUID, email: str) -> dict[str, Any]:
        done = self._run("-m", "tests.faults.prying", controller, subject, email)
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def _run(self, *arguments: object, owner: bool = False) -> subprocess.CompletedProcess[str]:
        given = {
            "DJANGO_SETTINGS_MODULE": "config.test",
            "LANGUAGE": "en",
            "LETHE_DATABASE_ROLE": "owner" if owner else "runtime",
        }
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **self.environment, **given},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Cluster]:
    """Another server with empty databases."""
    tmp_path.chmod(0o711)
    with embedded.running(tmp_path / "second", volatile=True) as cluster:
        embedded.provision(cluster)
        yield cluster


def site(cluster: Cluster | None, tmp_path: Path, **changed: str) -> Site:
    """On that server; None: the one the house lives on."""
    here = {"LETHE_COPY_KEYS_DIR": str(tmp_path / "copy-keys")}
    if cluster is not None:
        urls = cluster.environment()
        here |= {name: url for name, url in urls.items() if name.endswith("URL")}
    return Site({**here, **changed})


def test_who_was_erased_does_not_come_back_out_of_a_backup(
    house: House, second: Cluster, tmp_path: Path
) -> None:
    _, (record, other) = planned(house, 1, 2)
    controller, subject = house.company.id, record.subject_id
    email = subjects.identities([record.pk])[record.pk].emails[0]
    home = site(None, tmp_path)
    backup, base = tmp_path / "backup", tmp_path / "base"
    home.manage("backup", "--to", backup, owner=True)
    copied = _base_backup(base)
    house.run()
    here = home.pry(controller, subject, email)
    assert (here["readable"], here["testable"], here["answers"]) == (False, False, OPEN)

    # The main database is lost; the keys are where they were, and newer.
    away = site(second, tmp_path, KEYS_DATABASE_URL=os.environ["KEYS_DATABASE_URL"])
    away = Site(
        {**away.environment, "KEYS_DATABASE_OWNER_URL": os.environ["KEYS_DATABASE_OWNER_URL"]}
    )
    away.manage("restore", "--from", backup, "--main-only", owner=True)
    closed = away.pry(controller, subject, email)
    assert closed["answers"] == CLOSED
    assert (closed["readable"], closed["testable"]) == (False, False)
    assert closed["records"] == ["present"]
    assert away.manage("replay_erasures").startswith("2 ")
    after = away.pry(controller, subject, email)
    assert (after["answers"], after["records"]) == (OPEN, ["erased"])
    assert (after["readable"], after["testable"]) == (False, False)
    away.manage("verify_ledger")

    # A copy of the whole server, with every key still there: until the epoch ends, it opens.
    if copied:
        with embedded.running(base, volatile=True) as cluster:
            old = site(cluster, tmp_path, **_names(cluster))
            assert old.pry(controller, subject, email)["readable"]
            assert old.pry(controller, subject, email)["testable"]
            home.manage("end_epoch", "--controller", controller)
            seen = old.pry(controller, subject, email)
            assert (seen["readable"], seen["testable"]) == (False, False)
    else:
        home.manage("end_epoch", "--controller", controller)
    _expired_copies(home, second, backup, tmp_path)
    assert other.subject_id != subject


def _names(cluster: Cluster) -> dict[str, str]:
    """A copied server has the databases of this session, not those of an installation."""
    found = {}
    for name in ("DATABASE_URL", "KEYS_DATABASE_URL"):
        dbname = str(conninfo_to_dict(os.environ[name])["dbname"])
        found[name] = cluster.url(dbname, embedded.RUNTIME)
    return found


def _base_backup(to: Path) -> bool:
    """A copy of the server as it runs. False on a server that is not ours to copy."""
    found = conninfo_to_dict(os.environ["DATABASE_URL"])
    if not str(found.get("host", "")).startswith("/"):
        return False
    user = embedded_home.account()
    to.mkdir(mode=0o755)
    (to / embedded.MARKER).write_text("A base backup.\n")
    files = embedded_home.cluster_directory(to, user)
    user.own(files)
    done = user.run(
        [
            embedded_home.binaries(user) / "pg_basebackup",
            *("-h", str(found["host"]), "-p", str(found["port"]), "-U", embedded.SUPERUSER),
            *("-D", files, "--checkpoint=fast", "--wal-method=stream"),
        ]
    )
    assert done.returncode == 0, done.stderr
    return True


def _expired_copies(home: Site, second: Cluster, backup: Path, tmp_path: Path) -> None:
    """Both databases and the keys are lost: the copy opens until its last day, and never after."""
    with second.connect() as connection:
        for name in ("again", "again_keys"):
            connection.execute(f'CREATE DATABASE "{name}" OWNER {embedded.OWNER}')
            connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {embedded.RUNTIME}')
    urls = {
        "DATABASE_URL": second.url("again", embedded.RUNTIME),
        "DATABASE_OWNER_URL": second.url("again", embedded.OWNER),
        "KEYS_DATABASE_URL": second.url("again_keys", embedded.RUNTIME),
        "KEYS_DATABASE_OWNER_URL": second.url("again_keys", embedded.OWNER),
        "LETHE_KEYS_DIR": str(tmp_path / "restored-keys"),
    }
    lost = site(second, tmp_path, **urls)
    Copy.objects.update(expires_on=clock.now().date() - timedelta(days=1))
    assert home.manage("expire_copies") == "1"
    assert "LETHE_COPY_KEYS_DIR" in lost.refuses("restore", "--from", backup)
    (copy,) = Copy.objects.all()
    sealed = (backup / "keys.sealed").read_bytes()
    known = [*(root.key for root in roots.held()), roots.seed(), *_every_key_file()]
    for key in known:
        with pytest.raises(crypto.CryptoError):
            crypto.decrypt(key, sealed, b"lethe/copy/1|" + copy.pk.bytes)


def _every_key_file() -> list[bytes]:
    found = []
    for path in Path(settings.LETHE_KEYS_DIR).rglob("*.key"):
        content = path.read_bytes()
        found += [content[at : at + 32] for at in (0, 1, 13)]
    return [key for key in found if len(key) == 32]
