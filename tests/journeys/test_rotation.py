"""Another root key while the service runs: nobody is lost, and the old one opens nothing."""

from __future__ import annotations

import base64
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import Settings

from apps.audit import services as audit
from apps.core import clock, crypto, files, roots, scope
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Invalid, Unavailable
from apps.core.ids import new_id
from apps.erasure import copies, rotation
from apps.keys import ending, epochs
from apps.keys import services as keys
from apps.keys.models import Copy, Epoch
from apps.subjects import selectors as subjects
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import take
from tests.vault import TOKEN, Vault, open_vault

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root_file(settings: Settings, tmp_path: Path) -> Path:
    """A house of its own, whose root key is in a file."""
    path = tmp_path / "root.key"
    files.write_private(path, base64.b64encode(crypto.new_key()))
    settings.LETHE_ROOT_KEY, settings.LETHE_ROOT_KEY_FILE = "", str(path)
    settings.LETHE_KEYS_DIR = tmp_path / "keys"
    settings.LETHE_COPY_KEYS_DIR = str(tmp_path / "copies")
    return path


@pytest.fixture
def nordlys(root_file: Path) -> Iterator[Company]:
    audit.open_log(log_id=audit.INSTANCE, actor=SYSTEM)
    company = cast.company()
    with scope.enter(company.id):
        take(cast.csv_connection(), ADA)
        yield company


def _forget_what_is_open() -> None:
    """As a process that has just started."""
    epochs._open.cache_clear()
    roots._opened.cache_clear()


def _ada_is_known() -> None:
    _forget_what_is_open()
    record = Record.objects.get()
    assert subjects.identities([record.pk])[record.pk].emails == ADA.emails
    assert keys.find("email", ADA.emails) == {ADA.emails[0]: {record.subject_id}}
    audit.integrate()


def _files(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.LETHE_KEYS_DIR.rglob("*.key")}


def _old_key(path: Path) -> bytes:
    (key,) = [root.key for root in roots.parse(path.read_text()) if root.state == "old"]
    return key


def test_every_file_is_wrapped_anew_and_nobody_is_lost(
    nordlys: Company, root_file: Path, settings: Settings
) -> None:
    before, first = _files(settings), root_file.read_text()
    digest = keys.digest("email", ADA.emails[0])
    assert rotation.rotate(actor=SYSTEM) == rotation.Rotated(3, promoted=True), "epoch, ledgers"
    after = _files(settings)
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)
    assert keys.digest("email", ADA.emails[0]) == digest
    _ada_is_known()
    old = roots.parse(first)[0]
    assert _old_key(root_file) == old.key
    for content in after.values():
        assert content[1:9] != old.id
    assert stat.S_IMODE(root_file.stat().st_mode) == 0o600
    # Without the old key too, once it is forgotten.
    assert rotation.forget(actor=SYSTEM) == 1
    assert base64.b64encode(old.key) not in root_file.read_bytes()
    _ada_is_known()


def test_files_of_before_roots_could_change_are_taken_along(
    nordlys: Company, root_file: Path, settings: Settings
) -> None:
    """As an older version wrote them: by the only root there was, and no seed."""
    (root,) = roots.held()
    seed = roots.seed()
    roots.seed_path().unlink()
    epoch = Epoch.objects.get()
    path = settings.LETHE_KEYS_DIR / "epochs" / f"{epoch.pk}.key"
    plain = epochs.load(epoch.pk)
    path.unlink()
    files.write_private(path, root.wrap(plain, epochs._associated(epoch.pk)))
    for log in (settings.LETHE_KEYS_DIR / "logs").iterdir():
        log.unlink()
    _forget_what_is_open()
    assert roots.seed() == seed == root.key
    rotation.rotate(actor=SYSTEM)
    _forget_what_is_open()
    assert (roots.seed(), epochs.load(epoch.pk)) == (seed, plain)
    assert path.read_bytes()[1:9] == roots.held()[0].id


def test_a_run_that_was_killed_is_gone_on_with(
    nordlys: Company, root_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(**_options: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ending, "rewrap_all", killed)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(actor=SYSTEM)
    _ada_is_known()
    with pytest.raises(Conflict, match="still_wrapped"):
        rotation.forget(actor=SYSTEM)
    halfway = root_file.read_text()
    assert rotation.rotate(actor=SYSTEM) == rotation.Rotated(1, promoted=False)
    assert root_file.read_text() == halfway, "no third key"
    _ada_is_known()


def test_machines_get_the_next_key_before_it_writes(nordlys: Company, root_file: Path) -> None:
    rotation.prepare(actor=SYSTEM)
    with pytest.raises(Conflict):
        rotation.prepare(actor=SYSTEM)
    prepared = roots.held()
    assert [root.state for root in prepared] == ["", "next"]
    call_command("rotate_root_key")
    assert [root.key for root in roots.held()] == [prepared[1].key, prepared[0].key]


def test_the_next_key_is_nobodys_before_it_writes(
    nordlys: Company, root_file: Path, settings: Settings
) -> None:
    """As an older version left it: files that name no root, and no seed."""
    (root,) = roots.held()
    epoch = Epoch.objects.get()
    plain, path = epochs.load(epoch.pk), settings.LETHE_KEYS_DIR / "epochs" / f"{epoch.pk}.key"
    for one in settings.LETHE_KEYS_DIR.rglob("*.key"):
        one.unlink()
    files.write_private(path, root.wrap(plain, epochs._associated(epoch.pk)))
    _forget_what_is_open()
    rotation.prepare(actor=SYSTEM)
    _forget_what_is_open()
    assert (roots.seed(), epochs.load(epoch.pk)) == (root.key, plain)
    assert roots.oldest_key() == root.key
    rotation.rotate(actor=SYSTEM)
    _forget_what_is_open()
    assert (roots.seed(), epochs.load(epoch.pk)) == (root.key, plain)


def test_what_a_killed_rotation_left_of_a_key_goes_with_it(
    nordlys: Company, root_file: Path, settings: Settings
) -> None:
    epoch = Epoch.objects.get()
    draft = settings.LETHE_KEYS_DIR / "epochs" / f".{epoch.pk}.key.77.abcd"
    draft.write_bytes(b"the same key")
    orphan = new_id()
    epochs.create(orphan)  # and killed before its row was committed
    rotation.rotate(actor=SYSTEM)
    assert not draft.exists()
    draft.write_bytes(b"the same key")
    rotation.rotate(actor=SYSTEM)
    assert rotation.forget(actor=SYSTEM) == 2, "the orphan went along"
    draft.write_bytes(b"the same key")
    epochs.destroy(epoch.pk)
    assert not draft.exists()
    assert not epochs.exists(epoch.pk)


def test_two_rotations_at_once_are_one(nordlys: Company, root_file: Path) -> None:
    before = root_file.read_text()
    with rotation._alone():
        done: list[str] = []

        def other() -> None:
            try:
                rotation.rotate(actor=SYSTEM)
            except Conflict as error:
                done.append(error.code)
            finally:
                connections.close_all()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert done == ["rotating"]
    assert root_file.read_text() == before


def test_an_old_key_stays_while_a_backup_needs_it(nordlys: Company, root_file: Path) -> None:
    until = clock.now().date() + timedelta(days=9)
    Copy.objects.create(id=new_id(), made_at=clock.now() - timedelta(hours=1), expires_on=until)
    rotation.rotate(actor=SYSTEM)
    with pytest.raises(Conflict) as caught:
        rotation.forget(actor=SYSTEM)
    assert caught.value.code == "backups_need_it"
    assert until.isoformat() in str(caught.value.message)
    Copy.objects.update(expired_at=clock.now())
    assert rotation.forget(actor=SYSTEM) == 1
    with pytest.raises(Conflict, match="no_old_root"):
        rotation.forget(actor=SYSTEM)


def test_the_keys_of_backups_are_wrapped_anew(
    nordlys: Company, root_file: Path, settings: Settings
) -> None:
    copy, key = new_id(), crypto.new_key()
    Copy.objects.create(id=copy, expires_on=clock.now().date())
    path = Path(settings.LETHE_COPY_KEYS_DIR) / f"{copy}.key"
    files.write_private(path, roots.wrap(key, copies._of(copy)))
    rotation.rotate(actor=SYSTEM)
    assert path.read_bytes()[1:9] == roots.held()[0].id
    assert roots.unwrap(path.read_bytes(), copies._of(copy)) == key


def test_a_lost_seed_stops_everything(nordlys: Company, root_file: Path) -> None:
    rotation.rotate(actor=SYSTEM)
    roots.seed_path().unlink()
    with pytest.raises(Unavailable) as caught:
        keys.digest("email", ADA.emails[0])
    assert caught.value.code == "seed"
    with pytest.raises(Unavailable):
        roots.check()


@pytest.mark.parametrize("line", ["", "old:{key}", "next:{key}", "{key}\n{key}", "later:{key}"])
def test_a_file_without_one_key_that_writes_is_refused(
    root_file: Path, line: str, nordlys: Company
) -> None:
    key = base64.b64encode(crypto.new_key()).decode()
    root_file.write_text(line.format(key=key))
    with pytest.raises(Unavailable) as caught:
        roots.check()
    assert caught.value.code == "root_key"


def test_a_key_in_the_environment_is_for_the_operator_to_change(settings: Settings) -> None:
    settings.LETHE_ROOT_KEY = base64.b64encode(bytes(32)).decode()
    with pytest.raises(Invalid, match="root_key_env"):
        rotation.rotate(actor=SYSTEM)


@pytest.fixture
def vault(settings: Settings, tmp_path: Path) -> Iterator[Vault]:
    token = tmp_path / "vault.token"
    files.write_private(token, TOKEN.encode())
    settings.LETHE_VAULT_TOKEN_FILE = str(token)
    with open_vault() as found:
        yield found


def test_vault_takes_over_and_its_key_turns(
    nordlys: Company, root_file: Path, vault: Vault, settings: Settings
) -> None:
    digest = keys.digest("email", ADA.emails[0])
    settings.LETHE_VAULT_ADDR = vault.url
    _ada_is_known()  # what the root key wrapped still opens
    assert rotation.rotate(actor=SYSTEM).files == 3
    settings.LETHE_ROOT_KEY_FILE = ""
    root_file.unlink()
    _ada_is_known()
    assert keys.digest("email", ADA.emails[0]) == digest
    # A new version of Vault's key, and the versions before it shut.
    vault.rotate()
    assert rotation.rotate(actor=SYSTEM).files == 3
    vault.min_decryption_version = 2
    _ada_is_known()
    calls = vault.calls
    for _ in range(20):
        keys.digest("email", ADA.emails[0])
        keys.open_one(Record.objects.get().subject_id)
    assert vault.calls == calls, "never once for a person"


def test_vault_alone_from_the_first_day(root_file: Path, vault: Vault, settings: Settings) -> None:
    settings.LETHE_VAULT_ADDR, settings.LETHE_ROOT_KEY_FILE = vault.url, ""
    audit.open_log(log_id=audit.INSTANCE, actor=SYSTEM)
    with scope.enter(cast.company().id):
        take(cast.csv_connection(), ADA)
        _ada_is_known()


@pytest.mark.parametrize("trouble", ["sealed", "token", "address", "open token"])
def test_a_vault_that_does_not_open_stops_everything_and_says_so(
    nordlys: Company, vault: Vault, settings: Settings, trouble: str
) -> None:
    settings.LETHE_VAULT_ADDR = vault.url
    rotation.rotate(actor=SYSTEM)
    if trouble == "sealed":
        vault.sealed = True
    elif trouble == "address":
        settings.LETHE_VAULT_ADDR = "http://127.0.0.1:9"
    elif trouble == "token":
        Path(settings.LETHE_VAULT_TOKEN_FILE).write_text("hvs.another")
    else:
        Path(settings.LETHE_VAULT_TOKEN_FILE).chmod(0o644)
    _forget_what_is_open()
    with pytest.raises(Unavailable) as caught:
        keys.digest("email", ADA.emails[0])
    assert caught.value.code in ("vault", "seed")
    assert TOKEN not in str(caught.value.message)
    with pytest.raises(Unavailable):
        epochs.load(Epoch.objects.get().pk)
