"""The signing key of each log: an Ed25519 key in a file of mode 0600, sealed by the root key.

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
from apps.core import crypto, files
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
    sealed = crypto.encrypt(
        crypto.root_key(),
        Ed25519PrivateKey.generate().private_bytes_raw(),
        _associated(log_id, number),
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
        raise Unavailable(
            "ledger_key",
            _(
                "The signing key of a ledger is missing or does not open."
                " Check LETHE_KEYS_DIR and the root key."
            ),
        ) from error


@lru_cache(maxsize=256)
def _open(log_id: UUID, number: int, _modified: int) -> Ed25519PrivateKey:
    sealed = _path(log_id, number).read_bytes()
    return Ed25519PrivateKey.from_private_bytes(
        crypto.decrypt(crypto.root_key(), sealed, _associated(log_id, number))
    )


def _path(log_id: UUID, number: int) -> Path:
    which = "" if number == 1 else f".{number}"
    return Path(settings.LETHE_KEYS_DIR) / "logs" / f"{log_id}{which}.key"


def _associated(log_id: UUID, number: int) -> bytes:
    which = b"" if number == 1 else number.to_bytes(4)
    return b"lethe/log/1|" + log_id.bytes + which
