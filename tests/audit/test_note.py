"""Signed notes, checkpoints and proofs: the published vector, and every way to malform one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.audit import merkle, note, tiles

#: The example of the C2SP signed-note specification.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
TEXT = "This is an example message.\n"
SIGNATURE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3m"
    "FXmRKuwHjG1Yu72IneyaQM=\n"
)
SPACED = "example.com/\u00a0foo"
NOTE = f"{TEXT}\n{SIGNATURE}"


def signer(name: str = "lethe.example/log/1") -> note.Signer:
    return note.Signer(name, Ed25519PrivateKey.generate())


def test_the_example_of_the_specification_verifies() -> None:
    key = note.VerifierKey.parse(VKEY)
    assert note.verify(NOTE, [key]) == TEXT
    assert str(key) == VKEY


def test_what_we_sign_verifies_and_survives_a_witness_adding_a_line() -> None:
    ours, witness = signer(), signer("witness.example/w")
    text = "first paragraph\n\nsecond paragraph\n"
    signed = ours.sign(text)
    cosigned = signed + witness.sign(text).rpartition("\n\n")[2]
    assert note.verify(signed, [ours.verifier]) == text
    assert note.verify(cosigned, [ours.verifier]) == text
    assert note.verify(cosigned, [ours.verifier, witness.verifier]) == text


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "\n",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{SIGNATURE}",
        NOTE[:-1],
        f"{NOTE}\n",
        f"{TEXT}\n\n{SIGNATURE[2:]}",
        f"{TEXT}\n{SIGNATURE.replace('— ', '- ')}",
        f"{TEXT}\n{SIGNATURE.replace('— ', '—')}",
        f"{TEXT}\n{SIGNATURE.replace('example.com/foo ', '')}",
        f"{TEXT}\n{SIGNATURE.replace('example.com/foo', 'example.com/foo+1')}",
        f"{TEXT}\n{SIGNATURE.replace('example.com/foo', SPACED)}",
        f"{TEXT}\n{SIGNATURE.replace('yaQM=', 'yaQM')}",
        f"{TEXT}\n{SIGNATURE.replace('yaQM=', 'yaQN=')}",
        f"{TEXT}\n{SIGNATURE.replace('Uw2Q', 'Uw2*')}",
        f"{TEXT}\n{SIGNATURE.replace('Uw2Q', ' Uw2Q')}",
        f"{TEXT}\n— example.com/foo Uw2QOg==\n",
        f"{TEXT}\n— example.com/foo \n",
        f"{TEXT}\n— example.com/foo\n",
        f"{TEXT}\r\n{SIGNATURE}",
        f"tab\there\n\n{SIGNATURE}",
        f"nul\x00here\n\n{SIGNATURE}",
        f"{TEXT}\n{SIGNATURE * (note.MAX_SIGNATURES + 1)}",
        f"{'x' * note.MAX_BYTES}\n\n{SIGNATURE}",
        f"{TEXT}\n{SIGNATURE}trailing\n",
    ],
)
def test_a_malformed_note_is_refused(malformed: str) -> None:
    with pytest.raises(note.NoteError):
        note.verify(malformed, [note.VerifierKey.parse(VKEY)])


def test_a_note_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(note.NoteError):
        note.decode(b"\xff\n\n")
    with pytest.raises(note.NoteError):
        signer().sign("\ud800\n")


@pytest.mark.parametrize("text", ["no newline", "", "bell\x07\n"])
def test_text_that_is_not_lines_is_not_signed(text: str) -> None:
    with pytest.raises(note.NoteError):
        signer().sign(text)


def test_a_changed_text_is_refused_and_an_unknown_signer_is_not_enough() -> None:
    ours = signer()
    signed = ours.sign("paid\n")
    with pytest.raises(note.NoteError, match="does not verify"):
        note.verify(signed.replace("paid", "owed"), [ours.verifier])
    with pytest.raises(note.NoteError, match="no trusted key"):
        note.verify(signed, [signer().verifier])
    with pytest.raises(note.NoteError, match="no trusted key"):
        note.verify(signed, [])


def test_one_bad_signature_by_a_trusted_key_spoils_the_note() -> None:
    ours = signer()
    good = ours.sign("paid\n")
    other = ours.sign("owed\n").rpartition("\n\n")[2]
    with pytest.raises(note.NoteError, match="does not verify"):
        note.verify(good + other, [ours.verifier])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("example.com/foo", "example.com/bar"),
        VKEY.replace("example.com/foo", "exam ple.com/foo"),
        VKEY.replace("example.com/foo", ""),
        VKEY.replace("+Aek", "+Bek"),
        VKEY[:-4],
        VKEY + "=",
        VKEY + "\n",
    ],
)
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(note.NoteError):
        note.VerifierKey.parse(vkey)


ROOT = base64.b64encode(merkle.EMPTY_ROOT).decode()


def test_a_checkpoint_is_three_lines_and_reads_back() -> None:
    checkpoint = note.Checkpoint("lethe.example/log/1", 0, merkle.EMPTY_ROOT)
    assert checkpoint.text == f"lethe.example/log/1\n0\n{ROOT}\n"
    assert note.Checkpoint.parse(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"\n0\n{ROOT}\n",
        f"origin\n\n{ROOT}\n",
        f"origin\n01\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n",
        f"origin\n+1\n{ROOT}\n",
        f"origin\n١\n{ROOT}\n",
        f"origin\n1\n{ROOT}",
        f"origin\n1\n{ROOT}\nextension\n",
        f"origin\n1\n{ROOT}\n\n",
        "origin\n1\n\n",
        "origin\n1\nAAAA\n",
        f"origin\n1\n{ROOT.rstrip('=')}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(note.NoteError):
        note.Checkpoint.parse(text)


def test_a_checkpoint_of_another_log_is_refused_though_the_key_is_right() -> None:
    ours = signer()
    signed = ours.sign(note.Checkpoint("lethe.example/log/2", 0, merkle.EMPTY_ROOT).text)
    with pytest.raises(note.NoteError, match="another log"):
        note.open_checkpoint(signed, ours.verifier)


def proof_of(index: int, size: int, ours: note.Signer) -> note.Proof:
    hashes = [merkle.leaf_hash(b"entry %d" % number) for number in range(size)]
    node = tiles.reader(lambda _level, _number: b"".join(hashes))
    head = note.Checkpoint(ours.name, size, merkle.tree_hash(b"".join(hashes)))
    path = merkle.inclusion_proof(index, size, node)
    return note.Proof(index, path, ours.sign(head.text))


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (4, 5), (100, 200)])
def test_a_proof_is_text_that_verifies_far_from_the_log(index: int, size: int) -> None:
    ours = signer()
    text = proof_of(index, size, ours).text
    assert text.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
    read = note.Proof.parse(text)
    assert read.verify(b"entry %d" % index, ours.verifier).size == size
    with pytest.raises(merkle.ProofError):
        read.verify(b"entry %d" % (index + 1), ours.verifier)


def test_an_extra_line_of_a_proof_is_skipped() -> None:
    ours = signer()
    text = proof_of(1, 2, ours).text.replace("index", "extra AAAA\nindex", 1)
    assert note.Proof.parse(text).verify(b"entry 1", ours.verifier).size == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("index 1\n", ""),
        ("index 1\n", "index 01\n"),
        ("index 1\n", "index x\n"),
        ("index 1\n", "index 1\n=\n"),
        ("index 1\n", "extra *\nindex 1\n"),
        ("\n\n", "\n"),
    ],
)
def test_a_malformed_proof_is_refused(before: str, after: str) -> None:
    ours = signer()
    text = proof_of(1, 2, ours).text
    assert before in text
    with pytest.raises((note.NoteError, merkle.ProofError)):
        note.Proof.parse(text.replace(before, after)).verify(b"entry 1", ours.verifier)
