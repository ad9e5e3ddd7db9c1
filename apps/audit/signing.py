"""The signing key of each log: an Ed25519 key in a file of mode 0600, wrapped by the root
(core.roots).

In no database and in no dump: whoever can rewrite every table still cannot sign. The public
half of this very file, and not a column, is what verification trusts.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.audit.note import Signer
from apps.core import crypto, files, roots
from apps.core.errors import Unavailable


def origin(log_id: UUID) -> str:
    """The log's name in checkpoints: a schema-less URL, as C2SP recommends."""
    return f"{settings.LETHE_NAME}/log/{log_id}"


def next_origin(log_id: UUID, number: int) -> str:
    """Its name after a restore. With something of chance: the key of an earlier name may have been
    lost with everything, and one name has one key."""
    return f"{origin(log_id)}/{number}-{secrets.token_hex(4)}"


def create(log_id: UUID, *, number: int = 1) -> None:
    """Make the key file, unless it is there: a file whose transaction rolled back has signed
    nothing, and is taken up by the next attempt."""
    sealed = roots.wrap(
        Ed25519PrivateKey.generate().private_bytes_raw(), _associated(log_id, number)
    )
    with suppress(FileExistsError):
        files.write_private(_path(log_id, number), sealed)


def exists(log_id: UUID, *, number: int) -> bool:
    return _path(log_id, number).exists()


def signer(log_id: UUID, name: str, *, number: int = 1) -> Signer:
    """Raises Unavailable when the file is gone, or does not open under the root key."""
    try:
        return Signer(name, _open(log_id, number, _path(log_id, number).stat().st_mtime_ns))
    except (OSError, ValueError, crypto.CryptoError) as error:
        raise _unavailable() from error


def _unavailable() -> Unavailable:
    message = _(
        "The signing key of a ledger is missing or does not open."
        " Check LETHE_KEYS_DIR and the root key."
    )
    return Unavailable("ledger_key", message)


@lru_cache(maxsize=256)
def _open(log_id: UUID, number: int, _modified: int) -> Ed25519PrivateKey:
    sealed = _path(log_id, number).read_bytes()
    return Ed25519PrivateKey.from_private_bytes(roots.unwrap(sealed, _associated(log_id, number)))


def rewrap_all() -> int:
    """Every signing key under the root that writes now. How many were not. Raises Unavailable."""
    changed = 0
    for path in sorted((Path(settings.LETHE_KEYS_DIR) / "logs").glob("*.key")):
        log_id, _dot, number = path.stem.partition(".")
        place = _associated(UUID(log_id), int(number or 1))
        try:
            sealed = path.read_bytes()
            if not roots.is_current(sealed):
                files.replace_private(path, roots.wrap(roots.unwrap(sealed, place), place))
                changed += 1
        except (OSError, crypto.CryptoError) as error:
            raise _unavailable() from error
    return changed


def _path(log_id: UUID, number: int) -> Path:
    which = "" if number == 1 else f".{number}"
    return Path(settings.LETHE_KEYS_DIR) / "logs" / f"{log_id}{which}.key"


def _associated(log_id: UUID, number: int) -> bytes:
    which = b"" if number == 1 else number.to_bytes(4)
    return b"lethe/log/1|" + log_id.bytes + which
