"""Signed notes and checkpoints (C2SP signed-note v1, tlog-checkpoint, tlog-proof v1).

A checkpoint is three lines (origin, size, root) in a signed note: text anybody can keep, mail,
print or compare. Parsing is strict, because a lenient parser lets two readers see two things
in one signed text: one spelling per number, per key and per base64 string, no control
characters, UTF-8 only. Only Ed25519 (signature type 0x01, RFC 8032) is spoken here; signatures
by unknown keys are skipped, as the format demands, so that witnesses can add theirs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from apps.audit import merkle

ED25519 = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
#: The format asks for at least 16; nobody needs to send more than this.
MAX_SIGNATURES = 64
MAX_BYTES = 1 << 20
PROOF_HEADER = "c2sp.org/tlog-proof@v1"

_DASH = "— "
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    """The text is not a note of this format, or nobody trusted signed it."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: `<name>+<8 hex digits of key id>+<base64 of type and key>`."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.public) != KEY_BYTES:
            raise NoteError("a verifier key is a name without spaces or plus, and 32 bytes")

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encode(ED25519 + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Raises NoteError for another type of key, or an id that is not the key's own."""
        parts = vkey.split("+", 2)
        if len(parts) != 3:
            raise NoteError("a verifier key has three parts joined by plus")
        material = _decode(parts[2])
        if material[:1] != ED25519:
            raise NoteError("only Ed25519 keys are understood")
        key = cls(parts[0], material[1:])
        if str(key) != vkey:
            raise NoteError("the key's id does not match the key")
        return key

    def verify(self, text: str, signature: bytes) -> None:
        """Raises NoteError unless the key signed the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError) as error:
            raise NoteError("a trusted key's signature does not verify") from error


@dataclass(frozen=True, slots=True)
class Signer:
    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The whole note: text, blank line, one signature line. Raises NoteError for text
        that is not a sequence of lines."""
        _check_text(text)
        signature = _encode(self.verifier.id + self.key.sign(text.encode()))
        return f"{text}\n{_DASH}{self.name} {signature}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    key_id: bytes
    signature: bytes


def is_name(name: str) -> bool:
    """Non-empty, without Unicode spaces, plus or control characters."""
    return bool(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


def parse(note: str) -> tuple[str, list[Signature]]:
    """(text, signatures), none of them verified. Raises NoteError when malformed."""
    if len(note) > MAX_BYTES:
        raise NoteError("the note is too long")
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise NoteError("a note ends in a blank line and signature lines")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    text += "\n"
    _check_text(text)
    return text, [_signature(line) for line in lines]


def decode(data: bytes) -> str:
    """Raises NoteError for bytes that are not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("a note is UTF-8") from error


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise NoteError("a note's text ends in a newline and holds no control character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("a note is UTF-8") from error


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteError("a signature line begins with a dash")
    name, space, encoded = line[len(_DASH) :].partition(" ")
    if not space or not is_name(name):
        raise NoteError("a signature line names its key")
    material = _decode(encoded)
    if len(material) <= ID_BYTES:
        raise NoteError("a signature is longer than its key's id")
    return Signature(name, material[:ID_BYTES], material[ID_BYTES:])


def verify(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text, once a trusted key has signed it.

    Raises NoteError when malformed, when no trusted key signed, or when one signature that
    claims a trusted key does not verify.
    """
    text, signatures = parse(note)
    known = {(key.name, key.id): key for key in keys}
    trusted = 0
    for item in signatures:
        key = known.get((item.name, item.key_id))
        if key:
            key.verify(text, item.signature)
            trusted += 1
    if not trusted:
        raise NoteError("no trusted key signed this note")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: who, how many entries, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises NoteError unless the text is three lines written as `text` writes them.
        Extension lines are refused: nobody can audit them, and this log writes none."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise NoteError("a checkpoint is origin, size and root, one per line")
        root = _decode(lines[2])
        if len(root) != merkle.HASH_BYTES:
            raise NoteError("a root is 32 bytes")
        return cls(lines[0], _number(lines[1]), root)


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Verified and parsed, with the key's name as origin. Raises NoteError otherwise."""
    checkpoint = Checkpoint.parse(verify(note, [key]))
    if checkpoint.origin != key.name:
        raise NoteError("the checkpoint is of another log")
    return checkpoint


@dataclass(frozen=True, slots=True)
class Proof:
    """One entry's place in a log, to be verified offline (tlog-proof; no extra line)."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str

    @property
    def text(self) -> str:
        path = "".join(f"{_encode(item)}\n" for item in self.hashes)
        return f"{PROOF_HEADER}\nindex {self.index}\n{path}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Raises NoteError when malformed; an `extra` line is skipped, being unsigned."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if lines[0] != PROOF_HEADER or not separator:
            raise NoteError("not a proof of this format")
        if len(lines) > 1 and lines[1].startswith("extra "):
            _decode(lines.pop(1).removeprefix("extra "))
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise NoteError("a proof names the entry's index")
        index = _number(lines[1].removeprefix("index "))
        return cls(index, [_decode(line) for line in lines[2:]], checkpoint)

    def verify(self, entry: bytes, key: VerifierKey) -> Checkpoint:
        """The signed checkpoint that holds the entry. Raises NoteError or merkle.ProofError."""
        checkpoint = open_checkpoint(self.checkpoint, key)
        merkle.verify_inclusion(
            merkle.leaf_hash(entry),
            index=self.index,
            size=checkpoint.size,
            proof=self.hashes,
            root=checkpoint.root,
        )
        return checkpoint


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise NoteError("a number is decimal digits without leading zeroes")
    return int(text)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    """Standard base64 (RFC 4648 §4) in its one canonical spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if _encode(data) != text:
        raise NoteError("not canonical base64")
    return data
