"""Backups, and the copies of the key files in them, which expire.

A backup that could open its people's data for ever would undo every erasure. So its copy of the key
files is sealed under a key of its own, which lies in a third place (LETHE_COPY_KEYS_DIR) and is
destroyed on the copy's last day: a tape that nobody can erase opens no more all the same. No copy
outlives the day that certificates have promised (keys: `Epoch.copies_until`).

Order of a backup: main, then the keys database, so that everybody in the first has a key in the
second (a key whose person is missing is harmless, a person without a key is lost). The key files
are read before and after: an epoch that began in between is in the second reading, one that ended
in between in the first.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import shutil
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.core import canonical, clock, crypto, dumps, files, grants, roots
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Unavailable
from apps.core.ids import new_id
from apps.erasure import events, replay
from apps.erasure.models import Restore
from apps.keys.models import Copy, Epoch

logger = logging.getLogger(__name__)

FORMAT: Final = "lethe-backup/2"
#: As they were while there was one root key for ever: theirs was a MAC under it.
BEFORE: Final = "lethe-backup/1"
_SIGNED: Final = b"lethe/backup/2|manifest"
MAIN, KEYS, SEALED, MANIFEST = "main.dump", "keys.dump", "keys.sealed", "manifest.json"


@dataclass(frozen=True, slots=True)
class Backup:
    copy_id: UUID
    expires_on: date


def backup(*, actor: Actor, to: Path) -> Backup:
    """Both databases and the key files into a new directory. Raises Conflict when the directory is
    there, Invalid without LETHE_COPY_KEYS_DIR, Unavailable when a part cannot be read."""
    replay.require_whole()
    copy_keys = _copy_keys(outside=to)
    if to.exists():
        raise Conflict("directory", _("The directory of a backup must not be there yet."))
    copy = Copy(id=new_id(), expires_on=_last_day())
    key, key_file = crypto.new_key(), copy_keys / f"{copy.pk}.key"
    try:
        to.mkdir(mode=0o700, parents=True)
        files.write_private(key_file, roots.wrap(key, _of(copy.pk)))
        copy.save(using="keys", force_insert=True)
        _fill(to, copy, key)
    except (OSError, Unavailable) as error:
        # Half a backup is none: its key goes, so that nobody takes it for one.
        files.destroy(key_file)
        Copy.objects.filter(pk=copy.pk).delete()
        shutil.rmtree(to, ignore_errors=True)
        if isinstance(error, Unavailable):
            raise
        message = _("The backup could not be written: is the disk full? Nothing was kept of it.")
        raise Unavailable("backup", message) from error
    _say(events.BACKUP_MADE, actor, copy.pk, dates={"until": copy.expires_on})
    return Backup(copy.pk, copy.expires_on)


def _fill(to: Path, copy: Copy, key: bytes) -> None:
    dumps.dump("default", to / MAIN)
    held = _key_files()
    dumps.dump("keys", to / KEYS)
    # The first reading counts: in the second one a key may be half destroyed already.
    held = _key_files() | held
    (to / SEALED).touch(mode=0o600)
    (to / SEALED).write_bytes(crypto.encrypt(key, _packed(held), _of(copy.pk)))
    _write_manifest(to, copy)


def restore(*, actor: Actor, source: Path, main_only: bool = False) -> None:
    """Bring a backup back into empty databases and an empty LETHE_KEYS_DIR. `main_only`: beside
    the keys database and the key files that are here, which are newer.

    Nothing is answered afterwards until `replay` has run. Raises Invalid for a backup that is not
    whole or of another installation, Conflict where something is there already, Unavailable when
    the copy of the keys has expired.
    """
    manifest = _manifest(source)
    dumps.require_empty("default")
    if main_only:
        _require_same_house(manifest)
        dumps.restore("default", source / MAIN)
    else:
        dumps.require_empty("keys")
        packed = _opened(source, manifest)
        directory = Path(settings.LETHE_KEYS_DIR)
        if directory.is_dir() and any(directory.iterdir()):
            raise Conflict("keys_directory", _("LETHE_KEYS_DIR is not empty: nothing is replaced."))
        dumps.restore("default", source / MAIN)
        dumps.restore("keys", source / KEYS)
        _unpack(packed, directory)
    Restore.objects.create(restored_at=clock.now())
    for alias in ("default",) if main_only else ("default", "keys"):
        grants.apply(alias, role=settings.RUNTIME_ROLE)


def expire(*, actor: Actor) -> int:
    """Destroy the keys of the copies whose last day is over; how many. One whose key is not found
    stays unexpired. Raises Invalid when there are some and LETHE_COPY_KEYS_DIR is not set."""
    today = clock.now().date()
    over = Copy.objects.filter(expired_at=None, expires_on__lt=today)
    done = 0
    for copy in over.order_by("expires_on"):
        if not _destroyed(copy.pk):
            logger.warning("copy %s: its key is not here, and may be elsewhere", copy.pk)
            continue
        with transaction.atomic():
            # Told before it is marked: a crash in between tells it twice, and never not at all.
            _say(events.COPY_EXPIRED, actor, copy.pk)
        Copy.objects.filter(pk=copy.pk).update(expired_at=clock.now())
        done += 1
    return done


def _destroyed(copy_id: UUID) -> bool:
    """Destroy the key of a copy. A key that is not there proves nothing, as the directory may be
    another one: only the mark that we left beside it before destroying it does."""
    key_file = _copy_keys() / f"{copy_id}.key"
    mark = key_file.with_suffix(".gone")
    if not key_file.exists() and not mark.exists():
        return False
    with transaction.atomic(using="keys"):
        # Alone with it: whoever wraps it anew would bring it back.
        list(Copy.objects.select_for_update().filter(pk=copy_id))
        with suppress(FileExistsError):
            files.write_private(mark, b"")
        files.destroy(key_file)
    return True


def _last_day() -> date:
    """LETHE_COPY_DAYS from now, and no later than any living epoch's certificates have promised."""
    wanted: date = clock.now().date() + timedelta(days=settings.LETHE_COPY_DAYS)
    living = Epoch.objects.filter(destroyed_at=None).values_list("copies_until", "ends_on")
    return min([wanted, *(until or ends for until, ends in living)])


@transaction.atomic
def _say(verb: Any, actor: Actor, copy_id: UUID, **given: Any) -> None:
    audit.record(verb, actor=actor, log_id=audit.INSTANCE, refs={"copy": copy_id}, **given)


def _copy_keys(outside: Path | None = None) -> Path:
    name = settings.LETHE_COPY_KEYS_DIR
    if not name:
        message = _(
            "Set LETHE_COPY_KEYS_DIR to a directory of another disk or machine: the keys of the "
            "copies lie there, and go when a copy expires."
        )
        raise Invalid("copy_keys_dir", message, field="LETHE_COPY_KEYS_DIR")
    directory = Path(name).resolve()
    others = [Path(settings.LETHE_KEYS_DIR).resolve(), *([outside.resolve()] if outside else [])]
    if any(directory == one or one in directory.parents for one in others):
        message = _("The keys of the copies may lie neither in a copy nor with the key files.")
        raise Invalid("copy_keys_dir", message, field="LETHE_COPY_KEYS_DIR")
    return directory


def _key_files() -> dict[str, bytes]:
    directory = Path(settings.LETHE_KEYS_DIR)
    found = {}
    for path in sorted(directory.rglob("*.key")):
        try:
            found[str(path.relative_to(directory))] = path.read_bytes()
        except FileNotFoundError:
            continue  # its epoch ended at this moment
    return found


def _packed(held: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in held.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _unpack(packed: bytes, directory: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for entry in tar.getmembers():
            content = tar.extractfile(entry)
            if content is not None and ".." not in Path(entry.name).parts:
                files.write_private(directory / entry.name, content.read())


def _write_manifest(to: Path, copy: Copy) -> None:
    content = {
        "format": FORMAT,
        "copy": str(copy.pk),
        "name": settings.LETHE_NAME,
        "expires_on": copy.expires_on.isoformat(),
        "files": {name: _digest(to / name) for name in (MAIN, KEYS, SEALED)},
    }
    seal = roots.wrap(_digest_of(content), _SIGNED).hex()
    files.write_private(to / MANIFEST, canonical.dumps({**content, "seal": seal}))


def _manifest(source: Path) -> dict[str, Any]:
    """What a backup says of itself, once it is shown to be whole and ours."""
    try:
        content = json.loads((source / MANIFEST).read_bytes())
        before = content["format"] == BEFORE
        seal = bytes.fromhex(content.pop("mac" if before else "seal"))
        whole = before or content["format"] == FORMAT
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        message = _("There is no backup in this directory.")
        raise Invalid("backup", message, field="from") from error
    if not whole or not _is_ours(content, seal):
        message = _("This backup was made under another root key, or its manifest was changed.")
        raise Invalid("backup_manifest", message, field="from")
    for name, digest in content["files"].items():
        if not (source / name).exists() or _digest(source / name) != digest:
            message = _("%(name)s is not the file that was backed up: take another backup.")
            raise Invalid("backup_file", message % {"name": name}, field="from")
    found: dict[str, Any] = content
    return found


def _is_ours(content: Mapping[str, Any], seal: bytes) -> bool:
    if content["format"] == BEFORE:
        key = crypto.derive(roots.oldest_key(), "backup/manifest")
        return hmac.compare_digest(seal, hmac.digest(key, canonical.dumps(content), "sha256"))
    try:
        return roots.unwrap(seal, _SIGNED) == _digest_of(content)
    except crypto.CryptoError:
        return False


def _digest_of(content: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(canonical.dumps(content)).digest()


def rewrap_all() -> int:
    """The keys of the copies under the root that writes now, where they lie here. How many were
    not. Raises Unavailable."""
    if not settings.LETHE_COPY_KEYS_DIR:
        return 0
    changed = 0
    for path in sorted(_copy_keys().glob("*.key")):
        with transaction.atomic(using="keys"):
            rows = Copy.objects.select_for_update().filter(pk=path.stem, expired_at=None)
            # Expired meanwhile, or half a backup that was given up: its key does not come back.
            if rows.exists() and not path.with_suffix(".gone").exists():
                changed += _rewrap(path)
    return changed


def _rewrap(path: Path) -> bool:
    place = _of(UUID(path.stem))
    try:
        sealed = path.read_bytes()
        if roots.is_current(sealed):
            return False
        files.replace_private(path, roots.wrap(roots.unwrap(sealed, place), place))
    except (OSError, crypto.CryptoError) as error:
        message = _("A key in LETHE_COPY_KEYS_DIR does not open: look at the root key.")
        raise Unavailable("copy_key", message) from error
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_same_house(manifest: Mapping[str, Any]) -> None:
    if not Copy.objects.filter(pk=manifest["copy"]).exists():
        message = _(
            "The keys database does not know this backup: it is of another installation, or older "
            "than the backup. Restore both from one backup."
        )
        raise Invalid("mismatched", message, field="from")


def _opened(source: Path, manifest: Mapping[str, Any]) -> bytes:
    """The key files of the copy. Raises Unavailable once it has expired."""
    copy_id = UUID(manifest["copy"])
    expired = Unavailable(
        "copy_expired",
        _(
            "The key of this copy is not in LETHE_COPY_KEYS_DIR: the copy has expired, or the "
            "directory is another one. Take a newer backup."
        ),
    )
    if date.fromisoformat(manifest["expires_on"]) < clock.now().date():
        raise expired
    try:
        sealed = (_copy_keys() / f"{copy_id}.key").read_bytes()
        key = roots.unwrap(sealed, _of(copy_id))
        return crypto.decrypt(key, (source / SEALED).read_bytes(), _of(copy_id))
    except (OSError, crypto.CryptoError) as error:
        raise expired from error


def _of(copy_id: UUID) -> bytes:
    return b"lethe/copy/1|" + copy_id.bytes
