"""Epoch keys: files of mode 0600 under LETHE_KEYS_DIR, wrapped by the root (core.roots).

They are in no database and in no dump. Destroying one makes every data key it wrapped
unusable, in this installation and in every backup of it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core import crypto, files, roots
from apps.core.errors import Unavailable


def _path(epoch_id: UUID) -> Path:
    return Path(settings.LETHE_KEYS_DIR) / "epochs" / f"{epoch_id}.key"


def _associated(epoch_id: UUID) -> bytes:
    return b"lethe/epoch/1|" + epoch_id.bytes


def create(epoch_id: UUID) -> None:
    """Raises FileExistsError: an epoch key is made once. Raises Unavailable."""
    sealed = roots.wrap(crypto.new_key(), _associated(epoch_id))
    try:
        files.write_private(_path(epoch_id), sealed)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unavailable() from error


@lru_cache(maxsize=256)
def _open(epoch_id: UUID, _modified: int) -> bytes:
    sealed = _path(epoch_id).read_bytes()
    return roots.unwrap(sealed, _associated(epoch_id))


def load(epoch_id: UUID) -> bytes:
    """The epoch key. Raises Unavailable when its file is gone or does not open."""
    try:
        return _open(epoch_id, _path(epoch_id).stat().st_mtime_ns)
    except (OSError, crypto.CryptoError) as error:
        raise _unavailable() from error


def rewrap(epoch_id: UUID) -> bool:
    """Under the root that writes now; False when it is already. The caller has the epoch's row
    locked, so that nobody destroys it meanwhile. Raises Unavailable."""
    path = _path(epoch_id)
    try:
        sealed = path.read_bytes()
        if roots.is_current(sealed):
            return False
        files.replace_private(path, roots.wrap(load(epoch_id), _associated(epoch_id)))
    except OSError as error:
        raise _unavailable() from error
    return True


def exists(epoch_id: UUID) -> bool:
    """Whether anything of it is on the disk."""
    path = _path(epoch_id)
    return path.exists() or bool(files.drafts(path))


def listed() -> list[UUID]:
    """Of every key file there is, with those whose row a killed process never committed."""
    return [UUID(path.stem) for path in _path(UUID(int=0)).parent.glob("[!.]*.key")]


def destroy(epoch_id: UUID) -> None:
    """For good. Repeating is harmless. Raises Unavailable when the file cannot be removed."""
    try:
        files.destroy(_path(epoch_id))
    except OSError as error:
        raise _unavailable() from error
    _open.cache_clear()


def _unavailable() -> Unavailable:
    return Unavailable(
        "epoch_key",
        _("A key file is missing or does not open. Check LETHE_KEYS_DIR and the root key."),
    )
