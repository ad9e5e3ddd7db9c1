from __future__ import annotations

import json

from apps.api.paging import Cursor
from apps.audit import note
from apps.audit import services as audit
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import services as subjects
from tests.cast import Company
from tests.doors.api.conftest import House
from tests.doors.api.machine import machine, problem


def _seal(company: Company) -> None:
    audit.integrate(log_id=company.id)


def test_entries_are_listed_newest_first_and_followed_to_the_first(house: House) -> None:
    _seal(house.nordlys)
    rows, url = [], "/api/v1/ledger/entries?limit=3"
    while url:
        page = json.loads(house.ours.get(url.removeprefix("http://testserver")).content)
        rows += page["results"]
        assert page["previous"] is None
        url = page["next"] or ""
    assert [row["index"] for row in rows] == list(range(len(rows) - 1, -1, -1))
    assert rows[-1]["verb"] == "ledger.opened"
    assert all(row["sentence"] for row in rows)


def test_entries_are_filtered_by_verb_object_and_actor(house: House) -> None:
    given = {"record": str(house.ada.pk), "purpose": "talent_pool", "notice": "1"}
    made = json.loads(house.ours.post("consents", given).content)
    _seal(house.nordlys)
    by = {
        f"verb=consent.given&object={house.ada.subject_id}",
        f"actor_kind=api_client&actor={house.ours.key.pk}",
    }
    for query in by:
        (row,) = json.loads(house.ours.get(f"ledger/entries?{query}").content)["results"]
        assert row["facts"]["refs"] == {"receipt": made["id"]}
        assert row["actor"] == {"kind": "api_client", "id": str(house.ours.key.pk)}
        single = house.ours.get(f"ledger/entries/{row['index']}")
        assert json.loads(single.content) == row


def test_half_an_actor_is_refused(house: House) -> None:
    found = problem(house.ours.get("ledger/entries?actor_kind=user"), 400)
    assert [error["parameter"] for error in found["errors"]] == ["actor"]


def test_sentences_are_in_the_language_asked_for(house: House) -> None:
    _seal(house.nordlys)
    french = house.ours.get("ledger/entries/0", Accept_Language="fr")
    english = house.ours.get("ledger/entries/0")
    assert json.loads(french.content)["sentence"] != json.loads(english.content)["sentence"]


def test_the_checkpoint_is_a_signed_note_and_the_same_as_json(house: House) -> None:
    problem(house.ours.get("ledger/checkpoint"), 404)
    _seal(house.nordlys)
    text = house.ours.get("ledger/checkpoint", Accept="text/plain")
    assert text.headers["Content-Type"].startswith("text/plain")
    shown = json.loads(house.ours.get("ledger/checkpoint").content)
    assert text.content.decode() == shown["note"]
    opened = note.open_checkpoint(shown["note"], note.VerifierKey.parse(shown["vkey"]))
    assert (opened.size, opened.root.hex()) == (shown["size"], shown["root"])


def test_a_proof_verifies_without_lethe_and_not_for_another_entry(house: House) -> None:
    _seal(house.nordlys)
    shown = json.loads(house.ours.get("ledger/entries/1/proof").content)
    text = house.ours.get("ledger/entries/1/proof", Accept="text/plain").content.decode()
    assert text == shown["proof"]
    proof, key = note.Proof.parse(text), note.VerifierKey.parse(shown["vkey"])
    assert proof.verify(shown["entry"].encode(), key).size > 1
    other = json.loads(house.ours.get("ledger/entries/0/proof").content)
    try:
        proof.verify(other["entry"].encode(), key)
    except ValueError:
        return
    raise AssertionError("another entry was taken for this one")


def test_what_is_not_sealed_yet_is_not_shown(house: House) -> None:
    _seal(house.nordlys)
    size = json.loads(house.ours.get("ledger/checkpoint").content)["size"]
    with scope.enter(house.nordlys.id):
        subjects.mark_gone(actor=SYSTEM, record_ids=[house.ada.pk])
    for path in (f"ledger/entries/{size}", f"ledger/entries/{size}/proof"):
        problem(house.ours.get(path), 404)


def test_cursors_and_places_out_of_any_range_are_answered(house: House) -> None:
    _seal(house.nordlys)
    far = house.ours.get(f"ledger/entries?cursor={Cursor(2**128 - 1, back=True)}")
    assert far.status_code == 200
    problem(house.ours.get(f"ledger/entries/{2**80}"), 404)
    problem(house.ours.get(f"ledger/entries/{'9' * 5_000}"), 404)


def test_mallory_reads_her_own_ledger_and_nothing_of_nordlys(house: House) -> None:
    _seal(house.nordlys)
    problem(house.theirs.get("ledger/checkpoint"), 404)
    assert json.loads(house.theirs.get("ledger/entries").content)["results"] == []
    query = f"object={house.ada.pk}"
    assert json.loads(house.theirs.get(f"ledger/entries?{query}").content)["results"] == []
    _seal(house.vantage)
    ours = json.loads(house.ours.get("ledger/entries?limit=200").content)["results"]
    theirs = json.loads(house.theirs.get("ledger/entries?limit=200").content)["results"]
    assert ours
    assert theirs
    assert not {row["id"] for row in ours} & {row["id"] for row in theirs}


def test_reading_the_ledger_needs_its_scope(house: House) -> None:
    reader = machine(house.nordlys, ["records:read"])
    for path in ("ledger/entries", "ledger/entries/0", "ledger/checkpoint"):
        assert problem(reader.get(path), 403)["code"] == "scope_missing"
