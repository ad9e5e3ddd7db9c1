"""The Greenhouse adapter over real HTTP, against the server built from the same documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse import changes, fields, token
from apps.connectors.paths import any_matches

from .greenhouse_account import account, calls, everyone
from .greenhouse_caller import Caller


def test_the_first_sync_finds_everybody_with_every_application(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        found, _cursor = everyone(greenhouse)
        entities = caller.dump()
    assert {int(item.remote_id) for item in found} == {row["id"] for row in entities["candidate"]}
    assert len(found) == 60
    seen = {int(a.remote_id) for item in found for a in item.applications}
    assert seen == {row["id"] for row in entities["application"]}


def test_what_is_read_is_what_the_server_holds(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        found = {item.remote_id: item for item in everyone(greenhouse)[0]}
        entities = caller.dump()
    for row in entities["candidate"]:
        item = found[str(row["id"])]
        assert item.emails == tuple(mail["value"] for mail in row["email_addresses"])
        assert item.phones == tuple(phone["value"] for phone in row["phone_numbers"])
    hired = [a for item in found.values() for a in item.applications if a.state == "hired"]
    assert hired, "the portfolio has hires"
    assert any(a.hire_started.quality == "exact" for a in hired)
    assert any(item.talent_pool for item in found.values())
    assert {a.country for item in found.values() for a in item.applications if a.job} >= {"FR"}


def test_pages_are_followed_by_link_with_the_cursor_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.connectors.greenhouse.api.MAX_ROWS", 7)
    with account(tmp_path) as (greenhouse, _caller):
        found, _cursor = everyone(greenhouse)
    assert len({item.remote_id for item in found}) == len(found) == 60


def test_a_killed_sync_goes_on_with_the_page_it_had_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.connectors.greenhouse.api.MAX_ROWS", 20)
    with account(tmp_path) as (greenhouse, _caller):
        first = next(iter(greenhouse.changes("")))
        rest, _cursor = everyone(greenhouse, first.cursor)
        stored = {item.remote_id for item in first.candidates}
    assert len(stored) == 20
    assert stored.isdisjoint(item.remote_id for item in rest)
    assert len(stored) + len(rest) == 60


def test_a_page_cursor_the_vendor_no_longer_accepts_begins_the_list_again(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, _caller):
        stale = changes.Cursor(end="2026-11-23T00:00:00Z", following="cursor=expired")
        found, _cursor = everyone(greenhouse, stale.write())
    assert len(found) == 60


@pytest.mark.parametrize("cursor", ["", "{", '{"start": 3}', '{"x": "y"}', "null", "[]"])
def test_a_cursor_that_cannot_be_read_reads_everything(cursor: str) -> None:
    assert changes.Cursor.read(cursor) == changes.Cursor()


@contextmanager
def an_hour_later(caller: Caller) -> Iterator[time_machine.Traveller]:
    """Both sides' clocks go on; tokens of before have ended."""
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True) as clock:
        token._kept.clear()
        caller.sign_in()
        yield clock


def test_a_second_sync_reads_only_what_changed(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        _found, cursor = everyone(greenhouse)
        someone = caller.dump()["candidate"][0]["id"]
        with an_hour_later(caller) as clock:
            caller.send("PATCH", f"candidates/{someone}", {"first_name": "Augusta"})
            clock.shift(2)
            found, _cursor = everyone(greenhouse, cursor)
    assert [item.remote_id for item in found] == [str(someone)]
    assert found[0].first_name == "Augusta"


def test_a_change_of_an_application_alone_is_seen(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        _found, cursor = everyone(greenhouse)
        row = next(a for a in caller.dump()["application"] if a["status"] == "in_process")
        owner = str(row["candidate_id"])
        before = greenhouse.fetch([owner])[owner]
        with an_hour_later(caller) as clock:
            caller.control("POST", "applications", {"id": row["id"], "stage_name": "Somewhere"})
            clock.shift(2)
            found, _cursor = everyone(greenhouse, cursor)
    assert [item.remote_id for item in found] == [owner]
    assert found[0].updated_at == before.updated_at, "the candidate itself did not move"
    assert found[0].applications != before.applications


def test_a_second_sync_without_changes_reads_nobody(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        _found, cursor = everyone(greenhouse)
        with an_hour_later(caller):
            assert everyone(greenhouse, cursor)[0] == []


def test_windows_overlap_so_that_clocks_may_differ(tmp_path: Path) -> None:
    with account(tmp_path, candidates=1) as (greenhouse, _caller):
        _found, text = everyone(greenhouse)
    began = datetime.fromisoformat(changes.Cursor.read(text).start)
    ago = datetime.now(UTC) - began
    assert timedelta(minutes=5) <= ago < timedelta(minutes=6)


def test_fetch_leaves_out_what_the_vendor_no_longer_returns(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        greenhouse.delete(ids[0])
        found = greenhouse.fetch([*ids, "999", "not-an-id", "../1"])
    assert set(found) == set(ids[1:])


def test_an_export_holds_every_leaf_of_every_list(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        snapshots = greenhouse.export([*ids, "999"])
        entities = caller.dump()
    assert not snapshots["999"].found
    parts = {path.split(".")[0] for one in snapshots.values() for path in one.leaves}
    assert parts == {
        "candidate", "application", "attachment", "note", "offer", "education", "employment",
        "rejection_detail", "scorecard", "interview", "prospect_detail",
    }  # fmt: skip
    for kind in ("note", "attachment", "scorecard", "rejection_detail"):
        shown = {
            value
            for one in snapshots.values()
            for path, value in one.leaves.items()
            if path.startswith(f"{kind}.") and path.split(".")[-1] == "id"
        }
        assert shown == {row["id"] for row in entities[kind]}, kind
    assert all(one.unreadable == frozenset() for one in snapshots.values())


def test_an_export_never_holds_a_signed_link(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        leaves = [
            (path, value)
            for one in greenhouse.export(ids).values()
            for path, value in one.leaves.items()
            if path.startswith("attachment.") and path.endswith(".url")
        ]
    assert leaves
    assert {value for _path, value in leaves} == {True}


def test_an_export_gives_the_same_candidate_as_a_fetch(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        fetched = greenhouse.fetch(ids)
        exported = greenhouse.export(ids)
    for remote_id in ids:
        ours, theirs = exported[remote_id].candidate, fetched[remote_id]
        assert ours is not None
        assert set(ours.applications) == set(theirs.applications)
        assert (ours.emails, ours.collected) == (theirs.emails, theirs.collected)


@pytest.mark.parametrize(
    ("scope", "unreadable"),
    [
        ("harvest:notes:list", {"note"}),
        ("harvest:scorecards:list", {"scorecard"}),
        (
            "harvest:applications:list",
            {
                "application",
                "rejection_detail",
                "scorecard",
                "interview",
                "prospect_detail",
                "attachment",
                "note",
            },
        ),
    ],
)
def test_a_part_that_may_not_be_read_is_named_and_never_clean(
    tmp_path: Path, scope: str, unreadable: set[str]
) -> None:
    with account(tmp_path, candidates=3) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        caller.fault("scope_lost", scope=scope)
        snapshots = greenhouse.export(ids)
    assert all(one.unreadable == unreadable for one in snapshots.values())


def test_a_person_is_found_by_each_of_their_emails(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, _caller):
        for person in everyone(greenhouse)[0]:
            for email in person.emails:
                assert greenhouse.search(email.upper()) == (person.remote_id,)
        assert greenhouse.search("nobody@example.org") == ()


def test_anonymizing_asks_for_43_fields_and_leaves_only_what_may_stay(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        ids = [str(row["id"]) for row in caller.dump()["candidate"]]
        for remote_id in ids:
            receipt = greenhouse.anonymize(remote_id)
            assert receipt.requested == fields.REQUESTED
            assert receipt.status == 200
        snapshots = greenhouse.export(ids)
    for remote_id, one in snapshots.items():
        assert one.candidate is not None
        assert one.candidate.anonymized
        left = {
            path: value
            for path, value in one.leaves.items()
            if value not in (None, "", False)
            and not any_matches(fields.NOT_PERSONAL, path)
            and str(value) not in ("Anonymized", remote_id)
        }
        assert left == {}


def test_a_deleted_candidate_is_gone(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        someone = str(caller.dump()["candidate"][0]["id"])
        receipt = greenhouse.delete(someone)
        (after,) = greenhouse.export([someone]).values()
    assert (receipt.status, receipt.requested) == (200, ())
    assert (after.found, dict(after.leaves), after.unreadable) == (False, {}, frozenset())


@pytest.mark.parametrize("remote_id", ["", "0", "7/anonymize", "٧", "-1", "7?x=1"])
def test_only_an_id_of_the_vendors_reaches_a_path(tmp_path: Path, remote_id: str) -> None:
    with account(tmp_path, candidates=1) as (greenhouse, caller):
        with pytest.raises(ConnectorError, match=r"^rejected$"):
            greenhouse.delete(remote_id)
        assert not [call for call in calls(caller) if call["method"] == "DELETE"]
