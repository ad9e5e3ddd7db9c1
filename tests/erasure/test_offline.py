"""The script that checks a certificate on a machine without Lethe."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.audit.note import Signer
from apps.core import canonical
from apps.erasure.offline import verify_certificate as script

SIGNER = Signer("lethe.test/log/1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CONTENT = {
    "format": "lethe-erasure-certificate/4",
    "plan": "01a21e02-3c11-7ccf-ba32-4ce497da518f",
    "effective": "2026-11-27T10:00:00+00:00",
    "irreversible": {"by": "2027-01-10", "keys_destroyed": 1, "keys_kept": 0},
    "steps": [{"outcome": "verified"}, {"outcome": "residual"}],
}
TEXT = f"{CONTENT['format']}\n{canonical.dumps(CONTENT).decode()}\n"
NOTE = SIGNER.sign(TEXT).encode()
KEY = str(SIGNER.verifier)


def _run(directory: Path, note: bytes, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Elsewhere, by a Python that sees neither this project nor any installed package."""
    copied = Path(shutil.copy(script.__file__, directory))
    (directory / "certificate.txt").write_bytes(note)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(copied), "certificate.txt", key],
        cwd=directory,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_verifies_without_lethe_and_says_what_is_certified(tmp_path: Path) -> None:
    done = _run(tmp_path, NOTE)
    assert done.returncode == 0, done.stderr
    assert "Every byte is as it was signed" in done.stdout
    assert "1 residual, 1 verified" in done.stdout
    assert "irreversible everywhere by 2027-01-10" in done.stdout


def test_one_changed_byte_is_seen(tmp_path: Path) -> None:
    done = _run(tmp_path, NOTE.replace(b"residual", b"verified"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "NOT PROVEN" in done.stderr


def _refused(note: bytes, key: str = KEY) -> bool:
    try:
        script.content_of(note, key)
    except script.Refused:
        return True
    return False


def test_every_byte_counts() -> None:
    assert not _refused(NOTE)
    for place in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[place] ^= 1
        assert _refused(bytes(changed)), place


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note + b"\n",
        lambda note: note + b"x",
        lambda note: note[:-1],
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: b"\n" + note,
        lambda note: note + note.rpartition(b"\n\n")[2],
        lambda note: note[:0],
        lambda note: b"\xff" + note,
    ],
)
def test_nothing_is_added_or_left_out(change: Callable[[bytes], bytes]) -> None:
    assert _refused(change(NOTE))


def test_another_key_and_another_name_prove_nothing() -> None:
    other = Signer(SIGNER.name, Ed25519PrivateKey.generate())
    renamed = Signer("lethe.test/log/2", SIGNER.key)
    assert _refused(NOTE, str(other.verifier))
    assert _refused(NOTE, str(renamed.verifier))
    assert _refused(NOTE, "no key at all")
    assert _refused(NOTE, KEY[:-2] + "==")


def test_a_checkpoint_is_no_certificate() -> None:
    assert _refused(SIGNER.sign("lethe.test/log/1\n3\nAAAA\n").encode())


def test_a_signature_has_one_spelling() -> None:
    """A second scalar that satisfies the equation would be a changed byte that passes."""
    key, message = SIGNER.key, b"whatever"
    public = key.public_key().public_bytes_raw()
    signature = key.sign(message)
    assert script.signed_by(public, signature, message)
    scalar = int.from_bytes(signature[32:], "little") + script.L
    assert not script.signed_by(public, signature[:32] + scalar.to_bytes(32, "little"), message)
    assert not script.signed_by(public, signature, message + b"!")


def test_it_agrees_with_the_library_for_many_keys() -> None:
    for seed in range(20):
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        message = bytes([seed]) * seed
        public = key.public_key().public_bytes_raw()
        assert script.signed_by(public, key.sign(message), message)
