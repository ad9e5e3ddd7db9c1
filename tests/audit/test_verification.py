"""Whoever changes what was sealed is found, and the place is named."""

import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.utils import translation

from apps.audit import merkle, note, selectors, services, signing, verification
from apps.audit.models import Checkpoint
from apps.audit.services import INSTANCE
from apps.core.errors import Missing
from apps.core.ids import new_id
from tests.audit.ledger import sealed, tampering, write

Hand = psycopg.Connection
Harm = Callable[[Hand, uuid.UUID], object]


def sql(statement: str) -> Harm:
    return lambda hand, log_id: hand.execute(statement, {"log": log_id})


ONE_BYTE = """
    UPDATE audit_entry SET body = set_byte(body, 40, get_byte(body, 40) # 1)
    WHERE log_id = %(log)s AND index = 300
"""
CASES: dict[str, tuple[Harm, str, int | None]] = {
    "one byte of a body": (sql(ONE_BYTE), "entry_altered", 300),
    "the last byte of a body": (
        sql(
            "UPDATE audit_entry SET body = set_byte(body, octet_length(body) - 1, 33)"
            " WHERE log_id = %(log)s AND index = 599"
        ),
        "entry_altered",
        599,
    ),
    "a body cut short": (
        sql(
            "UPDATE audit_entry SET body = substring(body FROM 1 FOR 100)"
            " WHERE log_id = %(log)s AND index = 0"
        ),
        "entry_altered",
        0,
    ),
    "two bodies swapped": (
        sql(
            "UPDATE audit_entry e SET body = o.body, object_id = o.object_id FROM audit_entry o"
            " WHERE e.log_id = %(log)s AND o.log_id = e.log_id"
            " AND (e.index, o.index) IN ((10, 11), (11, 10))"
        ),
        "entry_altered",
        10,
    ),
    "an entry taken out": (
        sql("DELETE FROM audit_entry WHERE log_id = %(log)s AND index = 256"),
        "entry_missing",
        256,
    ),
    "the first entry taken out": (
        sql("DELETE FROM audit_entry WHERE log_id = %(log)s AND index = 0"),
        "entry_missing",
        0,
    ),
    "the last entries taken out": (
        sql("DELETE FROM audit_entry WHERE log_id = %(log)s AND index >= 590"),
        "entry_missing",
        590,
    ),
    "an entry taken out after one was changed": (
        lambda hand, log_id: (
            sql(ONE_BYTE)(hand, log_id),
            hand.execute("DELETE FROM audit_entry WHERE log_id = %s AND index = 400", [log_id]),
        ),
        "entry_altered",
        300,
    ),
    "an entry put behind the last seal": (
        sql(
            "INSERT INTO audit_entry (log_id, index, verb, body)"
            " VALUES (%(log)s, 600, 'test.passed', '{}')"
        ),
        "not_sealed",
        600,
    ),
    "the verb beside a body": (
        sql("UPDATE audit_entry SET verb = 'test.happened' WHERE log_id = %(log)s AND index = 77"),
        "misfiled",
        77,
    ),
    "the object beside a body": (
        sql(
            "UPDATE audit_entry SET object_id = gen_random_uuid()"
            " WHERE log_id = %(log)s AND index = 78"
        ),
        "misfiled",
        78,
    ),
    "the object beside a body removed": (
        sql("UPDATE audit_entry SET object_id = NULL WHERE log_id = %(log)s AND index = 79"),
        "misfiled",
        79,
    ),
    "a hash in a full tile": (
        sql(
            "UPDATE audit_tile SET hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1)"
            " WHERE log_id = %(log)s AND level = 0 AND number = 1"
        ),
        "tile_altered",
        None,
    ),
    "a hash in an upper tile": (
        sql(
            "UPDATE audit_tile SET hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 1)"
            " WHERE log_id = %(log)s AND level = 1"
        ),
        "tile_altered",
        None,
    ),
    "a tile taken out": (
        sql("DELETE FROM audit_tile WHERE log_id = %(log)s AND level = 0 AND number = 2"),
        "tile_altered",
        None,
    ),
    "a tile with one hash too many": (
        sql(
            "UPDATE audit_tile SET hashes = hashes || sha256('x')"
            " WHERE log_id = %(log)s AND level = 0 AND number = 2"
        ),
        "tile_altered",
        None,
    ),
    "a tile that should not be": (
        sql(
            "INSERT INTO audit_tile (log_id, level, number, hashes)"
            " VALUES (%(log)s, 2, 0, sha256('x'))"
        ),
        "tile_altered",
        None,
    ),
    "the root of an old checkpoint": (
        sql("UPDATE audit_checkpoint SET root = sha256('x') WHERE log_id = %(log)s AND size = 200"),
        "checkpoint_forged",
        None,
    ),
    "the note of an old checkpoint": (
        sql("UPDATE audit_checkpoint SET note = 'x' WHERE log_id = %(log)s AND size = 200"),
        "checkpoint_forged",
        None,
    ),
    "a checkpoint shown at another size": (
        sql("UPDATE audit_checkpoint SET size = 201 WHERE log_id = %(log)s AND size = 200"),
        "checkpoint_forged",
        None,
    ),
    "the newest checkpoint taken out": (
        sql("DELETE FROM audit_checkpoint WHERE log_id = %(log)s AND size = 600"),
        "contradicted",
        None,
    ),
    "the log cut short with its checkpoints and tiles": (
        sql("DELETE FROM audit_entry WHERE log_id = %(log)s"),
        "entry_missing",
        0,
    ),
    "the published key": (
        sql("UPDATE audit_log SET vkey = replace(vkey, '+A', '+B') WHERE id = %(log)s"),
        "key_changed",
        None,
    ),
}


def log_of_600() -> uuid.UUID:
    """Three checkpoints: at 200, 400 and 600."""
    log_id = sealed(200)
    for _ in range(2):
        write(log_id, 200)
        services.integrate()
    assert verification.verify(log_id).ok
    return log_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", CASES)
def test_it_is_found_and_the_place_is_named(case: str) -> None:
    harm, reason, first_bad = CASES[case]
    log_id = log_of_600()
    with tampering() as hand:
        harm(hand, log_id)
    verdict = verification.verify(log_id)
    assert not verdict.ok
    assert (verdict.reason, verdict.first_bad) == (reason, first_bad)
    with translation.override("en"):
        assert str(first_bad if first_bad is not None else verdict.place) in verdict.sentence
    assert verification.verify(INSTANCE).ok


def rewrite(hand: Hand, log_id: uuid.UUID, signer: note.Signer, keep: int = 0) -> None:
    """What a forger with the whole database does: one entry changed, and everything above it
    computed and signed anew."""
    hand.execute(ONE_BYTE, {"log": log_id})
    rows = hand.execute(
        "SELECT body FROM audit_entry WHERE log_id = %s ORDER BY index", [log_id]
    ).fetchall()
    leaves = [merkle.leaf_hash(body) for (body,) in rows]
    for number in range(3):
        hand.execute(
            "UPDATE audit_tile SET hashes = %s WHERE log_id = %s AND level = 0 AND number = %s",
            [b"".join(leaves[number * 256 : (number + 1) * 256]), log_id, number],
        )
    upper = [merkle.tree_hash(b"".join(leaves[at : at + 256])) for at in (0, 256)]
    hand.execute(
        "UPDATE audit_tile SET hashes = %s WHERE log_id = %s AND level = 1",
        [b"".join(upper), log_id],
    )
    for size in (200, 400, 600):
        root = merkle.tree_hash(b"".join(leaves[:size]))
        signed = signer.sign(note.Checkpoint(signer.name, size, root).text)
        hand.execute(
            "UPDATE audit_checkpoint SET root = %s, note = %s WHERE log_id = %s AND size = %s",
            [root, signed, log_id, size],
        )


@pytest.mark.django_db(transaction=True)
def test_a_log_rewritten_without_the_signing_key_is_found() -> None:
    log_id = log_of_600()
    forger = note.Signer(selectors.log(log_id).origin, Ed25519PrivateKey.generate())
    with tampering() as hand:
        rewrite(hand, log_id, forger)
    assert verification.verify(log_id).reason == "checkpoint_forged"
    with tampering() as hand:
        hand.execute("UPDATE audit_log SET vkey = %s WHERE id = %s", [str(forger.verifier), log_id])
    assert verification.verify(log_id).reason == "key_changed"


@pytest.mark.django_db(transaction=True)
def test_a_log_rewritten_and_signed_with_its_own_key_contradicts_the_installations_log() -> None:
    log_id = log_of_600()
    with tampering() as hand:
        rewrite(hand, log_id, signing.signer(log_id, selectors.log(log_id).origin))
    verdict = verification.verify(log_id)
    assert (verdict.reason, verdict.place) == ("contradicted", "400")


@pytest.mark.django_db(transaction=True)
def test_entries_and_hashes_changed_together_do_not_give_the_signed_root() -> None:
    log_id = log_of_600()
    heads = Checkpoint.objects.filter(log=log_id).values_list("size", "root", "note")
    before = list(heads)
    with tampering() as hand:
        rewrite(hand, log_id, signing.signer(log_id, selectors.log(log_id).origin))
        for size, root, text in before:
            hand.execute(
                "UPDATE audit_checkpoint SET root = %s, note = %s WHERE log_id = %s AND size = %s",
                [root, text, log_id, size],
            )
    verdict = verification.verify(log_id)
    assert (verdict.reason, verdict.first_bad) == ("rewritten", 200)


@pytest.mark.django_db(transaction=True)
def test_a_log_emptied_without_trace_is_missed_by_the_installations_log() -> None:
    log_id = log_of_600()
    with tampering() as hand:
        hand.execute("DELETE FROM audit_entry WHERE log_id = %s", [log_id])
        hand.execute("DELETE FROM audit_tile WHERE log_id = %s", [log_id])
        hand.execute("DELETE FROM audit_checkpoint WHERE log_id = %s", [log_id])
    verdict = verification.verify(log_id)
    assert (verdict.size, verdict.reason, verdict.place) == (0, "contradicted", "600")


@pytest.mark.django_db
def test_a_log_whose_key_file_is_gone_does_not_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    log_id = sealed(2)
    monkeypatch.setattr(signing, "_path", lambda _log, _number: Path("/nonexistent/key"))
    assert verification.verify(log_id).reason == "key_missing"


@pytest.mark.django_db
def test_logs_of_any_size_verify_and_name_their_size_and_root() -> None:
    log_id = sealed(1)
    for count in (254, 1, 1, 255, 1, 300):
        write(log_id, count)
        services.integrate()
        verdict = verification.verify(log_id)
        head = selectors.checkpoint(log_id)
        assert head is not None
        assert verdict == verification.Verdict(log_id, True, head.size, bytes(head.root))


@pytest.mark.django_db
def test_there_is_no_verdict_on_a_log_that_does_not_exist() -> None:
    with pytest.raises(Missing):
        verification.verify(new_id())


def run(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("verify_ledger", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_the_command_walks_every_ledger() -> None:
    logs = {INSTANCE, sealed(3), sealed(4)}
    found = [json.loads(line) for line in run("--json")]
    assert {uuid.UUID(item["log"]) for item in found} == logs
    assert all(item["ok"] for item in found)
    assert len(run()) == 3


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_with_an_error_and_names_the_first_bad_entry() -> None:
    log_id = log_of_600()
    with tampering() as hand:
        sql(ONE_BYTE)(hand, log_id)
    out = io.StringIO()
    with translation.override("en"), pytest.raises(CommandError) as refused:
        call_command("verify_ledger", "--log", str(log_id), stdout=out)
    assert refused.value.returncode == 1
    assert out.getvalue() == f"{log_id}  Entry 300 was changed after it was sealed.\n"
    with pytest.raises(CommandError):
        call_command("verify_ledger", stdout=io.StringIO())


@pytest.mark.django_db
def test_the_command_refuses_a_ledger_it_does_not_know() -> None:
    with pytest.raises(CommandError):
        run("--log", str(new_id()))
