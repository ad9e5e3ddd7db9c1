"""Sealing, wrapping, blinding, committing.

Principles.
1. Every sealed value is bound to its place. The associated data of AES-256-GCM is
   (format, table, column, row): a ciphertext moved to another row, column or table does not
   open. Keys are chosen by the subject's id and the epoch's id, never by trial: GCM does not
   commit to a key.
2. Keys form a chain: root (roots.py) → epoch key of a controller (a file, wrapped) → data key of
   a subject (a row in the keys database, wrapped). Destroying a link destroys everything below
   it; that is what erasure means here.
3. A data key is 32 random bytes, never derived from anything, so that it cannot come back.
4. Nonces are 96 random bits. A data key seals some dozens of values and an epoch key wraps at
   most tens of millions of data keys, far below the 2^32 messages NIST SP 800-38D §8.3 allows.
5. Equality is asked of blind indexes (HMAC-SHA-256 under a key of the controller, over the
   normalised value), never of ciphertexts. What is stored is that digest under a veil: a key of
   the epoch, so that nobody can test a backup for an address after the epoch's end.
6. A commitment is SHA-256(0x02 ‖ 32 random bytes ‖ value). Without the salt it tells nothing
   about the value; the salt is sealed under the subject's key and goes with it.

What can never be undone: `destroy` in apps/keys. Nothing in this module keeps a key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from uuid import UUID

import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
_FORMAT = b"\x01"
_COMMIT_PREFIX = b"\x02"
_VEIL = b"lethe/veil/1|"
_WRAP = b"lethe/wrap/1|"
_HEAD = 1 + NONCE_BYTES
DIGEST_BYTES = 32
#: What `wrap` makes of a data key.
WRAPPED_BYTES = _HEAD + KEY_BYTES + 16


class CryptoError(Exception):
    """A value does not open: wrong key, wrong place, or changed bytes. Says no more."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """AES-256-GCM: format byte ‖ 12-byte nonce ‖ ciphertext ‖ 16-byte tag."""
    nonce = os.urandom(NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Raises CryptoError when the value does not open."""
    sealed = bytes(sealed)
    if sealed[:1] != _FORMAT or len(sealed) < 1 + NONCE_BYTES + 16:
        raise CryptoError("unknown format")
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag as error:
        raise CryptoError("does not open") from error


def seal(key: bytes, plaintext: bytes, *, table: str, column: str, row: UUID) -> bytes:
    return encrypt(key, plaintext, _place(table, column, row))


def open(key: bytes, sealed: bytes, *, table: str, column: str, row: UUID) -> bytes:  # noqa: A001 - the field's word; always written crypto.open
    """Raises CryptoError when the value was sealed elsewhere, or for another row."""
    return decrypt(key, sealed, _place(table, column, row))


def _place(table: str, column: str, row: UUID) -> bytes:
    return b"|".join((b"lethe/seal/1", table.encode(), column.encode(), row.bytes))


def wrap(epoch_key: bytes, data_key: bytes, *, subject: UUID, epoch: UUID) -> bytes:
    return encrypt(epoch_key, data_key, _WRAP + subject.bytes + epoch.bytes)


def unwrap(epoch_key: bytes, wrapped: bytes, *, subject: UUID, epoch: UUID) -> bytes:
    """Raises CryptoError when the key was wrapped for another subject or epoch."""
    return decrypt(epoch_key, wrapped, _WRAP + subject.bytes + epoch.bytes)


def derive(key: bytes, purpose: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869): one key, many purposes, none of which reveals another."""
    return HKDF(SHA256(), KEY_BYTES, salt=b"lethe/1", info=purpose.encode()).derive(key)


def blind(key: bytes, *, kind: str, value: str) -> bytes:
    """32 bytes that are equal for equal values of one kind under one key."""
    message = kind.encode() + b"\x00" + normalise(kind, value).encode()
    return hmac.new(key, message, hashlib.sha256).digest()


def rewrapper(
    old_key: bytes, new_key: bytes, *, old: UUID, new: UUID
) -> Callable[[bytes, bytes], bytes]:
    """For many keys at a time: (subject, what `wrap` made under the old epoch) → under the new one.
    The function raises CryptoError as `unwrap` does."""
    opens, seals = AESGCM(old_key).decrypt, AESGCM(new_key).encrypt
    before, after, random = old.bytes, new.bytes, os.urandom

    def rewrap(subject: bytes, wrapped: bytes) -> bytes:
        place, nonce = _WRAP + subject, random(NONCE_BYTES)
        try:
            key = opens(wrapped[1:_HEAD], wrapped[_HEAD:], place + before)
        except InvalidTag as error:
            raise CryptoError("does not open") from error
        return _FORMAT + nonce + seals(nonce, key, place + after)

    return rewrap


def veil(epoch_key: bytes, digests: bytes) -> bytes:
    """Digests of blind indexes (32 bytes each, one after the other) under an epoch's key: equal for
    equal digests, and nothing to compare with once that key is destroyed. `unveil` takes it off.

    AES-256 block by block (ECB): a digest is the output of a PRF, so that no two blocks of
    different digests are equal and a permutation shows nothing of them. It proves nothing about
    its origin: that a row is of this epoch is said by its key's wrapping.
    """
    encryptor = _blocks(epoch_key).encryptor()
    return encryptor.update(_digests(digests)) + encryptor.finalize()


def unveil(epoch_key: bytes, veiled: bytes) -> bytes:
    """Raises CryptoError for what cannot be digests."""
    decryptor = _blocks(epoch_key).decryptor()
    return decryptor.update(_digests(veiled)) + decryptor.finalize()


def _digests(value: bytes) -> bytes:
    if len(value) % DIGEST_BYTES:
        raise CryptoError("no digests")
    return value


@lru_cache(maxsize=64)
def _blocks(epoch_key: bytes) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(derive(epoch_key, "veil/blocks")), modes.ECB())  # noqa: S305 - of digests, see `veil`


def veil_once(epoch_key: bytes, digest: bytes, *, epoch: UUID) -> bytes:
    """As `veil` was until epochs came to be ended by the hundred thousand: AES-256-SIV (RFC 5297)
    of one digest, 48 bytes. Rows of then are found by it until their epoch ends."""
    return _siv(epoch_key).encrypt(digest, [_VEIL + epoch.bytes])


def unveil_once(epoch_key: bytes, veiled: bytes, *, epoch: UUID) -> bytes:
    """Raises CryptoError when it was veiled under another epoch."""
    try:
        return _siv(epoch_key).decrypt(veiled, [_VEIL + epoch.bytes])
    except InvalidTag as error:
        raise CryptoError("does not open") from error


@lru_cache(maxsize=64)
def _siv(epoch_key: bytes) -> AESSIV:
    return AESSIV(derive(epoch_key, "veil/mac") + derive(epoch_key, "veil/cipher"))


def normalise(kind: str, value: str) -> str:
    """One spelling per value: e-mails folded (tags kept), phones as E.164 where they parse."""
    text = unicodedata.normalize("NFKC", value).strip()
    if kind == "email":
        return text.casefold()
    if kind == "phone":
        return _phone(text)
    return text


def _phone(text: str) -> str:
    try:
        parsed = phonenumbers.parse(text, "FR")
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        return "".join(character for character in text if character.isdigit())
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def commit(value: bytes) -> tuple[bytes, bytes]:
    """(commitment, salt): publish the first, seal the second."""
    salt = os.urandom(KEY_BYTES)
    return commitment(value, salt), salt


def commitment(value: bytes, salt: bytes) -> bytes:
    return hashlib.sha256(_COMMIT_PREFIX + salt + value).digest()
