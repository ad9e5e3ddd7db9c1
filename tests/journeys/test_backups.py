"""Backups: whole, of this house, and with a copy of the keys that expires."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.core import canonical, clock, crypto, roots
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Invalid, Unavailable
from apps.erasure import copies
from apps.keys.models import Copy, Epoch
from tests import commands
from tests.journeys.house import House, planned

OTHER_ROOT = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings, tmp_path: Path) -> Path:
    """Where the keys of the copies lie."""
    settings.LETHE_COPY_KEYS_DIR = str(tmp_path / "copy-keys")
    return tmp_path / "copy-keys"


def test_a_backup_is_complete_private_and_told_of(
    house: House, tmp_path: Path, elsewhere: Path
) -> None:
    planned(house, 1)
    made = copies.backup(actor=SYSTEM, to=tmp_path / "one")
    names = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "one").iterdir()}
    assert names == dict.fromkeys(("main.dump", "keys.dump", "keys.sealed", "manifest.json"), 0o600)
    assert (elsewhere / f"{made.copy_id}.key").stat().st_mode & 0o777 == 0o600
    audit.integrate()
    assert Entry.objects.filter(verb="backup.made").exists()
    with pytest.raises(Conflict):
        copies.backup(actor=SYSTEM, to=tmp_path / "one")


def test_a_copy_expires_no_later_than_certificates_have_promised(
    house: House, tmp_path: Path, settings: Settings, elsewhere: Path
) -> None:
    planned(house, 1)
    today = clock.now().date()
    Epoch.objects.update(ends_on=today, copies_until=today + timedelta(days=3))
    made = copies.backup(actor=SYSTEM, to=tmp_path / "one")
    assert made.expires_on == today + timedelta(days=3)
    assert copies.expire(actor=SYSTEM) == 0
    Copy.objects.update(expires_on=today - timedelta(days=1))
    settings.LETHE_COPY_KEYS_DIR = str(tmp_path / "not-mounted")
    assert copies.expire(actor=SYSTEM) == 0  # a key that is not there proves nothing
    assert Copy.objects.filter(expired_at=None).exists()
    settings.LETHE_COPY_KEYS_DIR = str(elsewhere)
    assert copies.expire(actor=SYSTEM) == 1
    assert list(elsewhere.glob("*.key")) == []
    assert copies.expire(actor=SYSTEM) == 0


@pytest.mark.parametrize("place", ["", "keys", "backup"])
def test_the_keys_of_the_copies_lie_somewhere_else(
    house: House, tmp_path: Path, settings: Settings, place: str
) -> None:
    places = {"": "", "keys": settings.LETHE_KEYS_DIR / "copies", "backup": tmp_path / "one" / "k"}
    settings.LETHE_COPY_KEYS_DIR = str(places[place])
    with pytest.raises(Invalid) as refused:
        copies.backup(actor=SYSTEM, to=tmp_path / "one")
    assert refused.value.field == "LETHE_COPY_KEYS_DIR"
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("says", ["echo 'pg_dump (PostgreSQL) 99.1'", "exit 127"])
def test_tools_of_another_version_than_the_servers_make_no_backup(
    house: House, tmp_path: Path, settings: Settings, says: str
) -> None:
    """Their dump could not be restored into it: that is said today, not on the day of the loss."""
    tool = tmp_path / "bin" / "pg_dump"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{says}\n")
    tool.chmod(0o755)
    settings.LETHE_PG_BIN = str(tool.parent)
    with pytest.raises(Unavailable) as refused:
        copies.backup(actor=SYSTEM, to=tmp_path / "one")
    assert refused.value.code == "postgresql_tools"
    assert "LETHE_PG_BIN" in str(refused.value.message)
    assert not (tmp_path / "one").exists()
    assert not Copy.objects.exists()


def test_what_is_not_whole_or_not_ours_is_not_restored(
    house: House, tmp_path: Path, settings: Settings
) -> None:
    copies.backup(actor=SYSTEM, to=tmp_path / "one")
    backup = tmp_path / "one"
    assert _refusal(tmp_path / "nothing") == "backup"
    root, settings.LETHE_ROOT_KEY = settings.LETHE_ROOT_KEY, OTHER_ROOT
    assert _refusal(backup) == "backup_manifest"
    settings.LETHE_ROOT_KEY = root
    manifest = json.loads((backup / "manifest.json").read_bytes())
    (backup / "manifest.json").write_text(json.dumps({**manifest, "expires_on": "2099-01-01"}))
    assert _refusal(backup) == "backup_manifest"
    (backup / "manifest.json").write_text(json.dumps(manifest))
    with (backup / "keys.dump").open("r+b") as file:
        file.seek(100)
        file.write(b"\x00\xff")
    assert _refusal(backup) == "backup_file"


def test_a_backup_of_before_roots_could_change_is_known(
    house: House, tmp_path: Path, settings: Settings
) -> None:
    copies.backup(actor=SYSTEM, to=tmp_path / "one")
    path = tmp_path / "one" / "manifest.json"
    content = json.loads(path.read_bytes())
    del content["seal"]
    content["format"] = copies.BEFORE
    key = crypto.derive(roots.held()[-1].key, "backup/manifest")
    mac = hmac.digest(key, canonical.dumps(content), "sha256").hex()
    path.write_text(json.dumps({**content, "mac": mac}))
    assert copies._manifest(tmp_path / "one") == content
    path.write_text(json.dumps({**content, "expires_on": "2099-01-01", "mac": mac}))
    assert _refusal(tmp_path / "one") == "backup_manifest"


def _refusal(source: Path) -> str:
    with pytest.raises(Invalid) as refused:
        copies.restore(actor=SYSTEM, source=source)
    return refused.value.code


def test_nothing_is_written_over(house: House, tmp_path: Path) -> None:
    copies.backup(actor=SYSTEM, to=tmp_path / "one")
    with pytest.raises(Conflict) as refused:
        copies.restore(actor=SYSTEM, source=tmp_path / "one", main_only=True)
    assert refused.value.code == "not_empty"


def test_the_commands_run_as_the_owner(house: House, tmp_path: Path) -> None:
    for name, where in (("backup", "--to"), ("restore", "--from")):
        assert "owner" in commands.refused(name, where, tmp_path / "one")
    assert commands.run("expire_copies") == ["0"]
    assert "nothing to replay" in commands.refused("replay_erasures")
