"""HashiCorp Vault's transit engine as the root: its key never leaves it.

https://developer.hashicorp.com/vault/api-docs/secret/transit: encrypt and decrypt of key type
aes256-gcm96, whose `associated_data` binds a value to its place, as our own sealing does.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import hvac
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from hvac.exceptions import InvalidRequest, VaultError

from apps.core.crypto import CryptoError
from apps.core.errors import Unavailable

#: Seconds: whatever needs a key waits for this.
TIMEOUT = 10
ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class VaultRoot:
    """One transit key. Opened values are cached by who asks; Vault is never called per person."""

    address: str
    mount: str
    name: str
    token: str = field(repr=False)

    @property
    def id(self) -> bytes:
        """Of the key, wherever its Vault is reached."""
        return hashlib.sha256(f"lethe/vault/1|{self.mount}|{self.name}".encode()).digest()[
            :ID_BYTES
        ]

    def wrap(self, plaintext: bytes, associated: bytes) -> bytes:
        """Raises Unavailable when Vault does not answer or refuses."""
        try:
            answer = self._transit().encrypt_data(
                name=self.name,
                plaintext=_text(plaintext),
                associated_data=_text(associated),
                mount_point=self.mount,
            )
            ciphertext: str = answer["data"]["ciphertext"]
        except (VaultError, OSError, KeyError, TypeError, ValueError) as error:
            raise _away() from error
        return ciphertext.encode("ascii")

    def unwrap(self, sealed: bytes, associated: bytes) -> bytes:
        """Raises CryptoError for what this key never made, Unavailable as `wrap` does."""
        try:
            answer = self._transit().decrypt_data(
                name=self.name,
                ciphertext=sealed.decode("ascii", "replace"),
                associated_data=_text(associated),
                mount_point=self.mount,
            )
            return base64.b64decode(answer["data"]["plaintext"], validate=True)
        except InvalidRequest as error:
            raise CryptoError("does not open") from error
        except (VaultError, OSError, KeyError, TypeError, ValueError) as error:
            raise _away() from error

    def _transit(self) -> hvac.api.secrets_engines.Transit:
        return _client(self.address, self.token).secrets.transit


@lru_cache(maxsize=4)
def _client(address: str, token: str) -> hvac.Client:
    return hvac.Client(url=address, token=token, timeout=TIMEOUT, allow_redirects=False)


def configured() -> VaultRoot | None:
    """The root in Vault, if LETHE_VAULT_ADDR names one. Raises Unavailable without its token."""
    if not settings.LETHE_VAULT_ADDR:
        return None
    try:
        path = Path(settings.LETHE_VAULT_TOKEN_FILE)
        private = not path.stat().st_mode & 0o077
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = _("Set LETHE_VAULT_TOKEN_FILE to the file with Vault's token.")
        raise Unavailable("vault", message, field="LETHE_VAULT_TOKEN_FILE") from error
    if not private or not token:
        message = _("The file with Vault's token must be readable by its owner only (0600).")
        raise Unavailable("vault", message, field="LETHE_VAULT_TOKEN_FILE")
    return VaultRoot(
        settings.LETHE_VAULT_ADDR, settings.LETHE_VAULT_MOUNT, settings.LETHE_VAULT_KEY, token
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _away() -> Unavailable:
    message = _("Vault does not answer, or refuses: look at its token and at the transit key.")
    return Unavailable("vault", message, field="LETHE_VAULT_ADDR")
