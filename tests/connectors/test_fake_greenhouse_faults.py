"""The fake's faults: each one strikes as it says, whom it says, and as often as it says."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from apps.connectors.fakes.greenhouse import start
from apps.connectors.fakes.greenhouse.faults import NAMES
from apps.connectors.fakes.greenhouse.people import person
from tests.connectors.greenhouse_caller import Caller, calling, config, mailbox

ADA, BEA, CIM = 40_000_001, 40_000_002, 40_000_003


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with start(config(tmp_path, candidates=8)) as fake, calling(fake) as caller:
        yield caller


def _first_name(caller: Caller, candidate_id: int) -> str:
    name: str = caller.rows("candidates", ids=candidate_id)[0]["first_name"]
    return name


def test_rate_limited_refuses_without_effect_as_often_as_told(caller: Caller) -> None:
    caller.fault("rate_limited", candidate_ids=[ADA], times=2, seconds=3, methods=["PATCH"])
    answers = [caller.anonymize(ADA, "full_name") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert caller.effects(ADA) == ["anonymize"]


def test_a_server_error_has_no_effect(caller: Caller) -> None:
    caller.fault("server_error", candidate_ids=[ADA], times=1, status=503)
    assert caller.anonymize(ADA, "full_name").status_code == 503
    assert caller.effects(ADA) == []


def test_a_fault_spares_who_is_not_named(caller: Caller) -> None:
    caller.fault("server_error", candidate_ids=[ADA])
    assert caller.get("candidates", ids=BEA).status_code == 200
    assert caller.get("candidates").status_code == 200
    assert caller.get("notes", candidate_ids=f"{BEA},{ADA}").status_code == 500


def test_a_fault_for_all_strikes_every_call_until_it_is_cleared(caller: Caller) -> None:
    caller.fault("server_error")
    assert {caller.get(path).status_code for path in ("candidates", "jobs")} == {500}
    assert caller.control("DELETE", "faults") == {"removed": 1}
    assert caller.get("candidates").status_code == 200


@pytest.mark.parametrize(
    ("fault", "effects"),
    [("timeout_before_effect", []), ("timeout_after_effect", ["anonymize"])],
)
def test_a_timeout_never_answers_and_the_journal_knows_what_was_done(
    caller: Caller, fault: str, effects: list[str]
) -> None:
    caller.fault(fault, candidate_ids=[ADA], times=1, seconds=2)
    caller.client.timeout = httpx.Timeout(0.3)
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        caller.anonymize(ADA, "full_name")
    assert time.monotonic() - began < 1
    call = caller.control("GET", "journal")[-1]
    assert (call["status"], call["fault"], call["effect"]) == (None, fault, bool(effects))
    assert caller.effects(ADA) == effects


def test_a_held_call_ends_with_a_closed_connection(caller: Caller) -> None:
    caller.fault("timeout_after_effect", candidate_ids=[ADA], times=1, seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.anonymize(ADA, "full_name")
    assert _first_name(caller, ADA) == "Anonymized"


def test_a_cut_connection_breaks_off_in_the_middle_of_the_answer(caller: Caller) -> None:
    caller.fault("cut_connection", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        caller.get("candidates")
    caller.fault("cut_connection", candidate_ids=[ADA], times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.anonymize(ADA, "full_name")
    assert caller.effects(ADA) == ["anonymize"]


def test_half_done_anonymizes_only_the_first_fields(caller: Caller) -> None:
    caller.fault("half_done", candidate_ids=[ADA], keep=1)
    assert caller.anonymize(ADA, "full_name", "email_addresses").status_code == 200
    row = caller.rows("candidates", ids=ADA)[0]
    assert row["first_name"] == "Anonymized"
    assert row["email_addresses"] != []


@pytest.mark.parametrize("lie", [True, False])
def test_silent_ignore_answers_well_and_the_event_lies_only_if_told(
    tmp_path: Path, lie: bool
) -> None:
    with (
        mailbox() as box,
        start(config(tmp_path, candidates=3, webhook_url=box.url)) as fake,
        calling(fake) as caller,
    ):
        caller.fault("silent_ignore", candidate_ids=[ADA], fields=["phone_numbers"], lie=lie)
        assert caller.anonymize(ADA, "full_name", "phone_numbers").status_code == 200
        assert caller.rows("candidates", ids=ADA)[0]["phone_numbers"] != []
        box.wait(1)
    assert (b"phone_numbers" in box.received[0][1]) is lie
    assert b"full_name" in box.received[0][1]


def test_merged_makes_the_id_vanish_just_before_the_call(caller: Caller) -> None:
    who = person(1, 1)
    assert len(caller.rows("candidates", ids=ADA)) == 1
    caller.fault("merged", candidate_ids=[ADA], into=BEA, methods=["PATCH"], times=1)
    assert caller.anonymize(ADA, "full_name").status_code == 404
    assert caller.rows("candidates", ids=ADA) == []
    assert caller.rows("candidates", email=who.emails[0])[0]["id"] == BEA
    assert caller.effects(ADA) == ["merge"]


def test_gone_from_ids_hides_the_id_from_ids_only(caller: Caller) -> None:
    caller.fault("gone_from_ids", candidate_ids=[ADA])
    rows = caller.rows("candidates", ids=f"{ADA},{BEA}")
    assert [row["id"] for row in rows] == [BEA]
    assert ADA in {row["id"] for row in caller.rows("candidates")}
    assert caller.rows("candidates", email=person(1, 1).emails[0])[0]["id"] == ADA
    assert caller.anonymize(ADA, "full_name").status_code == 200


def test_a_lost_webhook_is_never_sent(tmp_path: Path) -> None:
    with (
        mailbox() as box,
        start(config(tmp_path, candidates=3, webhook_url=box.url)) as fake,
        calling(fake) as caller,
    ):
        caller.fault("webhook_lost", candidate_ids=[ADA], action="candidate_anonymized")
        caller.anonymize(ADA, "full_name")
        caller.anonymize(BEA, "full_name")
        box.wait(1)
        events = caller.control("GET", "webhooks")
    assert len(box.received) == 1
    assert [event["delivered_at"] is None for event in events] == [True, False]


def test_a_lost_scope_is_refused_though_the_token_is_good(caller: Caller) -> None:
    caller.fault("scope_lost", scope="harvest:candidates:list", times=1)
    assert caller.get("notes").status_code == 200
    assert caller.get("candidates").status_code == 403
    assert caller.get("candidates").status_code == 200


def test_a_lost_scope_may_look_like_a_missing_record(caller: Caller) -> None:
    caller.fault("scope_lost", candidate_ids=[ADA], status=404, methods=["DELETE"])
    assert caller.send("DELETE", f"candidates/{ADA}").status_code == 404
    assert len(caller.rows("candidates", ids=ADA)) == 1


def test_faults_are_listed_with_what_is_left_of_them(caller: Caller) -> None:
    caller.fault("server_error", candidate_ids=[CIM], times=3)
    caller.get("candidates", ids=CIM)
    (fault,) = caller.control("GET", "faults")
    assert (fault["name"], fault["candidate_ids"], fault["times"]) == ("server_error", [CIM], 2)


def test_faults_outlive_a_restart(tmp_path: Path) -> None:
    settings = config(tmp_path, candidates=3)
    with start(settings) as fake, calling(fake) as caller:
        caller.fault("server_error")
    with start(settings) as fake, calling(fake) as caller:
        assert caller.get("candidates").status_code == 500


def test_an_unknown_fault_is_refused(caller: Caller) -> None:
    for body in ({"name": "earthquake"}, {"name": "merged"}):
        answer = caller.client.post(
            f"{caller.fake.url}/_control/faults",
            json=body,
            headers={"Authorization": f"Bearer {caller.fake.control_token}"},
        )
        assert answer.status_code == 422
    assert len(NAMES) == 11


def test_the_control_plane_has_a_token_of_its_own(caller: Caller) -> None:
    assert caller.client.get(f"{caller.fake.url}/_control/dump").status_code == 401
    token = caller.fake.control_token
    answer = httpx.get(
        f"{caller.fake.url}/v3/candidates", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401


def test_stale_tokens_are_refused_and_a_new_one_works(caller: Caller) -> None:
    assert caller.control("POST", "tokens/expire") == {"expired": 1}
    assert caller.get("candidates").status_code == 401
    caller.sign_in()
    assert caller.get("candidates").status_code == 200


def test_each_effect_is_counted_for_its_candidate(caller: Caller) -> None:
    caller.anonymize(ADA, "full_name")
    caller.anonymize(ADA, "emails")
    caller.anonymize(BEA, "nonsense")
    caller.send("DELETE", f"candidates/{CIM}")
    assert caller.effects(ADA) == ["anonymize", "anonymize"]
    assert caller.effects(BEA) == []
    assert caller.effects(CIM) == ["delete"]
    effects = caller.control("GET", "effects")
    calls = {call["request_id"]: call for call in caller.control("GET", "journal")}
    assert all(calls[effect["request_id"]]["effect"] for effect in effects)
    assert sum(call["effect"] for call in calls.values()) == 3
