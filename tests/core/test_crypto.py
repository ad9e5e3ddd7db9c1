"""Sealing, wrapping, blinding: against published vectors, and against attempts to cheat."""

import base64
import hmac
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.core import crypto, files, roots
from apps.core.errors import Unavailable
from apps.core.ids import new_id

ROW, OTHER = new_id(), new_id()
PLACE = {"table": "t", "column": "c", "row": ROW}


def test_the_cipher_is_aes_256_gcm_as_nist_publishes_it() -> None:
    # NIST CAVP gcmEncryptExtIV256, Keylen 256, PTlen 128, AADlen 128: key, IV, PT, AAD, CT‖tag.
    key = bytes.fromhex("92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b")
    nonce = bytes.fromhex("ac93a1a6145299bde902f21a")
    plain = bytes.fromhex("2d71bcfa914e4ac045b2aa60955fad24")
    associated = bytes.fromhex("1e0889016f67601c8ebea4943bc23ad6")
    sealed = bytes.fromhex("8995ae2e6df3dbf96fac7b7137bae67feca5aa77d51d4a0a14d9c51e1da474ab")
    assert AESGCM(key).encrypt(nonce, plain, associated) == sealed
    assert crypto.decrypt(key, b"\x01" + nonce + sealed, associated) == plain


def test_derivation_is_hkdf_sha_256() -> None:
    # RFC 5869 gives HKDF; recomputed here from HMAC alone (extract, then one expand block).
    key, info = bytes(range(32)), b"purpose"
    extracted = hmac.new(b"lethe/1", key, "sha256").digest()
    expanded = hmac.new(extracted, info + b"\x01", "sha256").digest()
    assert crypto.derive(key, "purpose") == expanded


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_at_its_place(plain: bytes) -> None:
    key = crypto.new_key()
    assert crypto.open(key, crypto.seal(key, plain, **PLACE), **PLACE) == plain  # type: ignore[arg-type]  # one place


@pytest.mark.parametrize(
    "elsewhere", [{"table": "u"}, {"column": "d"}, {"row": OTHER}], ids=["table", "column", "row"]
)
def test_a_value_moved_elsewhere_does_not_open(elsewhere: dict[str, object]) -> None:
    key = crypto.new_key()
    sealed = crypto.seal(key, b"Ada", table="t", column="c", row=ROW)
    with pytest.raises(crypto.CryptoError):
        crypto.open(key, sealed, **{**PLACE, **elsewhere})  # type: ignore[arg-type]  # one place


def test_one_changed_byte_anywhere_does_not_open() -> None:
    key = crypto.new_key()
    sealed = crypto.seal(key, b"Ada", table="t", column="c", row=ROW)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(crypto.CryptoError):
            crypto.open(key, bytes(broken), table="t", column="c", row=ROW)


def test_a_wrapped_key_belongs_to_one_subject_and_one_epoch() -> None:
    epoch_key, data_key = crypto.new_key(), crypto.new_key()
    wrapped = crypto.wrap(epoch_key, data_key, subject=ROW, epoch=OTHER)
    assert crypto.unwrap(epoch_key, wrapped, subject=ROW, epoch=OTHER) == data_key
    for subject, epoch in ((OTHER, OTHER), (ROW, ROW)):
        with pytest.raises(crypto.CryptoError):
            crypto.unwrap(epoch_key, wrapped, subject=subject, epoch=epoch)


def test_blind_indexes_meet_on_one_spelling() -> None:
    key = crypto.new_key()
    digests = {
        crypto.blind(key, kind="email", value=value)
        for value in ("Ada.Q@Example.org", " ada.q@example.ORG ", "ada.q@example.org")
    }
    assert len(digests) == 1
    assert crypto.blind(key, kind="email", value="ada.q+jobs@example.org") not in digests
    assert crypto.blind(key, kind="phone", value="ada.q@example.org") not in digests
    assert crypto.blind(crypto.new_key(), kind="email", value="ada.q@example.org") not in digests


def test_phones_meet_however_they_are_written() -> None:
    assert crypto.normalise("phone", "06 39 98 00 01") == "+33639980001"
    assert crypto.normalise("phone", "+33 (0)6 39 98 00 01") == "+33639980001"
    assert crypto.normalise("phone", "ext. 12-34") == "1234"


def test_a_commitment_tells_nothing_without_its_salt() -> None:
    first, salt = crypto.commit(b"Ada")
    second, _ = crypto.commit(b"Ada")
    assert first != second
    assert crypto.commitment(b"Ada", salt) == first


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "é" * 44])
def test_a_wrong_root_key_stops_everything(settings: Settings, text: str) -> None:
    settings.LETHE_ROOT_KEY, settings.LETHE_ROOT_KEY_FILE = text, ""
    with pytest.raises(Unavailable):
        roots.check()


def test_a_root_key_file_that_others_can_read_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "root.key"
    files.write_private(path, base64.b64encode(bytes(range(32))))
    settings.LETHE_ROOT_KEY, settings.LETHE_ROOT_KEY_FILE = "", str(path)
    assert [root.key for root in roots.held()] == [bytes(range(32))]
    path.chmod(0o644)
    with pytest.raises(Unavailable):
        roots.check()


def test_key_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "one.key"
    files.write_private(path, b"first")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        files.write_private(path, b"second")
    assert path.read_bytes() == b"first"
    assert [item.name for item in path.parent.iterdir()] == ["one.key"]
    files.destroy(path)
    assert not path.exists()


def test_ids_are_uuid_version_7_and_sorted_by_time() -> None:
    made = [new_id() for _ in range(200)]
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in made)
    assert [one.int >> 80 for one in made] == sorted(one.int >> 80 for one in made)
    assert len(set(made)) == 200
    assert all(isinstance(one, UUID) for one in made)
