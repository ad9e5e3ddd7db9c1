"""The root of all keys: what wraps the key files, how it changes, and what is derived.

1. Key files (epochs, signing keys, keys of backups' copies, the seed) are wrapped by a root: a key
   in a file or the environment, or one of Vault's. Each says by which, so that none is tried.
2. The key file has a line for each: the one that writes, then `next:` (known, writes nothing yet)
   and `old:` (opens what it wrapped before). It is read at every use: a change needs no restart.
3. What must be equal for ever (blind indexes, sealed credentials) is derived from the *seed*: the
   file `seed.key`, wrapped like the others, so that another root changes nothing of it. Where no
   root was ever changed there is no such file, and the root key's own bytes are the seed.
4. Fail closed: a seed that is missing although a root was changed stops everything. Derived from
   another key, every digest would be another one, and nobody would be recognised.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core import crypto, files, vault
from apps.core.errors import Unavailable

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

_WRAPPED: Final = b"\x02"
ID_BYTES: Final = vault.ID_BYTES
_LINE: Final = re.compile(r"(?:(next|old):)?([A-Za-z0-9+/=]+)")
_SEED: Final = b"lethe/seed/1"


class Root(Protocol):
    """What wraps a key, and opens it again."""

    @property
    def id(self) -> bytes: ...

    def wrap(self, plaintext: bytes, associated: bytes, /) -> bytes: ...

    def unwrap(self, sealed: bytes, associated: bytes, /) -> bytes: ...


class KeyRoot:
    """A key of 32 bytes that this process knows."""

    def __init__(self, key: bytes, state: str = "") -> None:
        self.key = key
        #: "" writes; next, old.
        self.state = state

    @property
    def id(self) -> bytes:
        return crypto.derive(self.key, "root/id")[:ID_BYTES]

    def wrap(self, plaintext: bytes, associated: bytes, /) -> bytes:
        return crypto.encrypt(self.key, plaintext, associated)

    def unwrap(self, sealed: bytes, associated: bytes, /) -> bytes:
        return crypto.decrypt(self.key, sealed, associated)


def check() -> None:
    """Raises Unavailable when there is no root, or Vault does not open what it wrapped."""
    _writer()
    seed()


def standing() -> tuple[str, int]:
    """(vault | key, how many old root keys are still known). Raises Unavailable."""
    check()
    found = _known()
    kind = "key" if isinstance(found[0], KeyRoot) else "vault"
    return kind, sum(isinstance(root, KeyRoot) and root.state == "old" for root in found)


def wrap(plaintext: bytes, associated: bytes) -> bytes:
    """Under the root that writes now. Raises Unavailable."""
    _keep_seed()
    return _wrap(plaintext, associated)


def _wrap(plaintext: bytes, associated: bytes) -> bytes:
    root = _writer()
    return _WRAPPED + root.id + root.wrap(plaintext, associated)


def unwrap(sealed: bytes, associated: bytes) -> bytes:
    """Raises CryptoError when it does not open, or by no root that is known here; Unavailable."""
    if not sealed.startswith(_WRAPPED):
        # Of before roots could change: by the first there was.
        return _oldest().unwrap(sealed, associated)
    mark, inner = sealed[1 : 1 + ID_BYTES], sealed[1 + ID_BYTES :]
    for root in _known():
        if root.id == mark:
            return root.unwrap(inner, associated)
    raise crypto.CryptoError("wrapped by a root that is not known here")


def is_current(sealed: bytes) -> bool:
    """Whether the root that writes now wrapped it. Vault's own versions are told apart by Vault:
    what it wrapped is never current, so that it is always wrapped anew."""
    root = _writer()
    return isinstance(root, KeyRoot) and sealed.startswith(_WRAPPED + root.id)


def derived(purpose: str) -> bytes:
    """A key of the installation for one purpose. Raises Unavailable."""
    return crypto.derive(seed(), purpose)


def seed() -> bytes:
    """Raises Unavailable when it is missing, or does not open."""
    path = seed_path()
    try:
        return _opened(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return _first_seed()
    except (OSError, crypto.CryptoError) as error:
        raise _no_seed() from error


@lru_cache(maxsize=16)
def _opened(path: Path, _modified: int) -> bytes:
    return unwrap(path.read_bytes(), _SEED)


def _first_seed() -> bytes:
    if _any_wrapped(str(settings.LETHE_KEYS_DIR)):
        raise _no_seed()
    root = _oldest()
    if isinstance(root, KeyRoot):
        return root.key
    if any(Path(settings.LETHE_KEYS_DIR).rglob("*.key")):
        raise _no_seed()  # of before there were seeds: theirs is the root key that wrapped them
    _write_seed(crypto.new_key())
    path = seed_path()
    return _opened(path, path.stat().st_mtime_ns)


def _any_wrapped(directory: str) -> bool:
    """Whether a root that can change wrapped a file here: then there was a seed."""
    for path in Path(directory).rglob("*.key"):
        with path.open("rb") as file:
            if file.read(1) == _WRAPPED:
                return True
    return False


def _keep_seed() -> None:
    """Before the first file that names its root: from then on the seed is a file."""
    if not seed_path().exists():
        _write_seed(seed())


def _write_seed(value: bytes) -> None:
    try:
        files.write_private(seed_path(), _wrap(value, _SEED))
    except FileExistsError:
        return  # another process was first: its file counts
    except OSError as error:
        raise _no_seed() from error


def rewrap_seed() -> None:
    """Under the root that writes now. Raises Unavailable."""
    value = seed()
    path = seed_path()
    if not path.exists():
        _write_seed(value)
    elif not is_current(path.read_bytes()):
        files.replace_private(path, _wrap(value, _SEED))


def seed_path() -> Path:
    return Path(settings.LETHE_KEYS_DIR) / "seed.key"


def _known() -> list[Root]:
    """The one that writes first. Raises Unavailable."""
    transit = vault.configured()
    if transit is None:
        return [*held()]
    beside = settings.LETHE_ROOT_KEY or settings.LETHE_ROOT_KEY_FILE
    return [transit, *(held() if beside else [])]


def _writer() -> Root:
    return _known()[0]


def _oldest() -> Root:
    """The first there was, which is what nothing names: never one that writes nothing yet."""
    return [root for root in _known() if not (isinstance(root, KeyRoot) and root.state == "next")][
        -1
    ]


def oldest_key() -> bytes:
    """Of the root keys. Raises Unavailable."""
    return [root.key for root in held() if root.state != "next"][-1]


def held() -> list[KeyRoot]:
    """Of the file or the environment, the one that writes first, the oldest last.

    Raises Unavailable when there is none, when the file can be read by others, or when one is not
    32 bytes: Lethe does not start without a key, and never invents one.
    """
    text = settings.LETHE_ROOT_KEY or _key_file(settings.LETHE_ROOT_KEY_FILE)
    return parse(text)


def parse(text: str) -> list[KeyRoot]:
    """Raises Unavailable."""
    order = {"": 0, "next": 1, "old": 2}
    found = []
    for line in text.split():
        match = _LINE.fullmatch(line)
        try:
            key = base64.b64decode(match[2], validate=True) if match else b""
        except (binascii.Error, ValueError):
            key = b""
        if match is None or len(key) != crypto.KEY_BYTES:
            raise _no_root(_("The root key must be 32 bytes written in base64."))
        found.append(KeyRoot(key, match[1] or ""))
    if [root.state for root in found].count("") != 1:
        raise _no_root(_("The root key must be 32 bytes written in base64."))
    return sorted(found, key=lambda root: order[root.state])


def spell(found: list[KeyRoot]) -> str:
    """As `parse` reads it."""
    lines = (
        f"{root.state}:" * bool(root.state) + base64.b64encode(root.key).decode() for root in found
    )
    return "\n".join(lines) + "\n"


def _key_file(name: str) -> str:
    if not name:
        raise _no_root(_("Set LETHE_ROOT_KEY_FILE (or LETHE_ROOT_KEY) to the root key."))
    path = Path(name)
    try:
        mode = path.stat().st_mode & 0o077
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _no_root(_("The root key's file cannot be read.")) from error
    if mode:
        raise _no_root(_("The root key's file must be readable by its owner only (0600)."))
    return text


def _no_root(message: _StrOrPromise) -> Unavailable:
    return Unavailable("root_key", message, field="LETHE_ROOT_KEY_FILE")


def _no_seed() -> Unavailable:
    message = _(
        "seed.key is missing from LETHE_KEYS_DIR or does not open: bring it back from a backup, or "
        "give the root key that wrapped it."
    )
    return Unavailable("seed", message, field="LETHE_KEYS_DIR")
