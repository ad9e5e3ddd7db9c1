"""The fake's events: what they carry, how they are signed, and that none is lost."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.fakes.greenhouse import start
from apps.connectors.fakes.greenhouse.people import person
from tests.connectors.greenhouse_caller import (
    SECRET,
    Caller,
    Mailbox,
    calling,
    config,
    mailbox,
    until,
)

ADA, BEA = 40_000_001, 40_000_002


@dataclass
class Post:
    caller: Caller
    box: Mailbox

    def next(self, count: int = 1) -> list[dict[str, Any]]:
        """The next events, in the order they were queued."""
        self.box.wait(count)
        arrived = {headers["greenhouse-event-id"]: body for headers, body in self.box.received}
        self.box.received.clear()
        queued = [event["event_id"] for event in self.caller.control("GET", "webhooks")]
        return [json.loads(arrived[id_]) for id_ in queued if id_ in arrived]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with (
        mailbox() as box,
        start(config(tmp_path, candidates=8, webhook_url=box.url)) as fake,
        calling(fake) as caller,
    ):
        yield Post(caller, box)


def test_an_anonymization_is_told_in_the_vendors_spelling(post: Post) -> None:
    post.caller.anonymize(ADA, "rejection_reason", "full_name")
    assert post.next() == [
        {
            "action": "candidate_anonymized",
            "payload": {
                "candidate_id": ADA,
                "anonymized_fields": ["full_name", "rejection_reasons"],
            },
        }
    ]


def test_the_signature_covers_the_raw_bytes(post: Post) -> None:
    post.caller.control("POST", "candidates", {"id": ADA, "title": "Éclusière"})
    post.box.wait(1)
    headers, body = post.box.received[0]
    algorithm, _, signature = headers["signature"].partition(" ")
    assert algorithm == "sha256"
    assert signature == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    flipped = body.replace(b"c", b"d", 1)
    assert signature != hmac.new(SECRET.encode(), flipped, hashlib.sha256).hexdigest()
    assert b"\\u00c9clusi\\u00e8re" in body
    assert body.isascii()


def test_a_deletion_names_the_applications_that_went_with_it(post: Post) -> None:
    ids = {row["id"] for row in post.caller.rows("applications", candidate_ids=ADA)}
    post.caller.send("DELETE", f"candidates/{ADA}")
    (event,) = post.next()
    assert event["action"] == "delete_candidate"
    assert event["payload"]["person"]["id"] == ADA
    assert set(event["payload"]["person"]["deleted_application_ids"]) == ids != set()


def test_a_merge_is_told_as_a_merge_and_as_a_deletion(post: Post) -> None:
    post.caller.control("POST", "merge", {"primary_id": BEA, "secondary_id": ADA})
    merged, deleted = post.next(2)
    assert (merged["action"], deleted["action"]) == ("merge_candidate", "delete_candidate")
    assert merged["payload"]["person"]["new_candidate_id"] == BEA
    assert deleted["payload"]["person"]["deleted_application_ids"] == []


def test_a_changed_candidate_is_told_with_the_new_values(post: Post) -> None:
    post.caller.control("POST", "candidates", {"id": ADA, "company": "Nouvelle SARL"})
    (event,) = post.next()
    assert event["action"] == "update_candidate"
    assert event["payload"]["candidate"]["company"] == "Nouvelle SARL"
    assert event["payload"]["candidate"]["last_name"] == person(1, 1).surname


@pytest.mark.parametrize(
    ("prospect", "action"),
    [(False, "new_candidate_application"), (True, "new_prospect_application")],
)
def test_a_new_application_comes_with_the_candidate(
    post: Post, prospect: bool, action: str
) -> None:
    body = {"candidate_id": ADA, "job_id": 2001, "prospect": prospect}
    added = post.caller.control("POST", "applications", body)
    (event,) = post.next()
    application = event["payload"]["application"]
    assert event["action"] == action
    assert (application["id"], application["status"]) == (added["id"], "active")
    assert application["candidate"]["id"] == ADA
    assert application["jobs"][0]["offices"][0]["location"] == "Paris, France"


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ([{"status": "rejected"}], ["reject_candidate"]),
        ([{"status": "rejected"}, {"status": "in_process"}], ["unreject_candidate"]),
        ([{"status": "hired"}], ["hire_candidate"]),
        ([{"status": "hired"}, {"status": "in_process"}], ["unhire_candidate"]),
        ([{"stage_id": 20013, "stage_name": "Offer"}], ["candidate_stage_change"]),
        ([{"source_id": 3004}], ["application_updated"]),
    ],
)
def test_each_change_of_an_application_has_its_event(
    post: Post, changes: list[dict[str, Any]], actions: list[str]
) -> None:
    added = post.caller.control(
        "POST", "applications", {"candidate_id": ADA, "job_id": 2001, "silent": True}
    )
    for change in changes:
        post.caller.control("POST", "applications", {"id": added["id"], **change})
    assert [event["action"] for event in post.next(len(changes))][-1:] == actions


def test_rejecting_dates_the_rejection_and_unrejecting_forgets_it(post: Post) -> None:
    caller = post.caller
    id_ = caller.control("POST", "applications", {"candidate_id": ADA})["id"]
    caller.control("POST", "applications", {"id": id_, "status": "rejected"})
    application = next(
        row for row in caller.rows("applications", candidate_ids=ADA) if row["id"] == id_
    )
    (detail,) = caller.rows("rejection_details", application_ids=id_)
    assert application["rejected_at"] == detail["rejected_at"] is not None
    caller.control("POST", "applications", {"id": id_, "status": "in_process"})
    assert caller.rows("rejection_details", application_ids=id_) == []


def test_a_silent_change_sends_nothing(post: Post) -> None:
    post.caller.control("POST", "applications", {"candidate_id": ADA, "silent": True})
    post.caller.anonymize(BEA, "full_name")
    assert [event["action"] for event in post.next()] == ["candidate_anonymized"]


def test_a_delivery_is_repeated_under_the_same_id_until_a_200(post: Post) -> None:
    post.box.statuses = [500, 204, 302, 200]
    post.caller.anonymize(ADA, "full_name")
    post.box.wait(4)
    assert len({headers["greenhouse-event-id"] for headers, _ in post.box.received}) == 1
    assert len({body for _, body in post.box.received}) == 1
    until(lambda: post.caller.control("GET", "webhooks")[0]["delivered_at"] is not None)
    assert post.caller.control("GET", "webhooks")[0]["attempts"] == 4


def test_after_seven_attempts_it_gives_up(tmp_path: Path) -> None:
    with mailbox() as box:
        settings = config(tmp_path, candidates=2, webhook_url=box.url, webhook_minute=0.0)
        box.statuses = [500]
        with start(settings) as fake, calling(fake) as caller:
            caller.anonymize(ADA, "full_name")
            until(lambda: not caller.control("GET", "webhooks")[0]["waiting"])
            event = caller.control("GET", "webhooks")[0]
    assert (event["attempts"], event["delivered_at"], len(box.received)) == (7, None, 7)


def test_nobody_listening_loses_nothing_even_over_a_restart(tmp_path: Path) -> None:
    settings = config(tmp_path, candidates=2, webhook_minute=0.01)
    with start(settings) as fake, calling(fake) as caller:
        caller.anonymize(ADA, "full_name")
        assert caller.control("GET", "webhooks")[0]["waiting"]
    with mailbox() as box, start(settings) as fake, calling(fake) as caller:
        caller.control("POST", "settings", {"webhook_url": box.url})
        box.wait(1)
        until(lambda: not caller.control("GET", "webhooks")[0]["waiting"])
    assert len(box.received) == 1


def test_a_delivered_body_does_not_stay_in_the_state(post: Post) -> None:
    who = person(1, 1)
    post.caller.control("POST", "candidates", {"id": ADA, "company": "X"})
    post.caller.send("DELETE", f"candidates/{ADA}")
    post.box.wait(1)
    until(lambda: post.caller.control("GET", "dump")["undelivered"] == [])
    assert who.surname not in json.dumps(post.caller.dump(), ensure_ascii=False)


def test_an_erased_person_leaves_the_queue_too(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=3)) as fake, calling(fake) as caller:
        caller.control("POST", "candidates", {"id": ADA, "company": "Ancienne SARL"})
        assert "Ancienne SARL" in str(caller.control("GET", "dump")["undelivered"])
        caller.anonymize(ADA, "full_name")
        (left,) = caller.control("GET", "dump")["undelivered"]
    assert left["action"] == "candidate_anonymized"
