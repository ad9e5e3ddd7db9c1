"""Greenhouse's webhooks: the signature over raw bytes, the 29 types, and every sample's leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.greenhouse import webhook_paths, webhooks
from apps.connectors.paths import any_matches
from apps.core.errors import Invalid, Refused

from .vendor_samples import load, needs_samples, places, schemas
from .vendor_samples import webhooks as samples

SECRET = "a secret of our own"
BODY = (
    b'{"action":"candidate_anonymized","payload":{"candidate_id":7,"anonymized_fields":["emails"]}}'
)
IGNORED = tuple(pattern for patterns in webhook_paths.IGNORED.values() for pattern in patterns)
KNOWN = (*webhook_paths.MAPPED, *IGNORED)


def body(action: str, payload: Any) -> bytes:
    return json.dumps({"action": action, "payload": payload}).encode()


def test_our_own_signature_is_accepted() -> None:
    webhooks.verify(SECRET, webhooks.signature(SECRET, BODY), BODY)


def test_the_signature_is_the_one_openssl_makes() -> None:
    # printf 'body' | openssl dgst -sha256 -hmac key
    expected = "sha256 515aae133b435d4000956731f68ae5cf5eb85d4f0dc6a546d2bfcd3595ec1ae1"
    assert webhooks.signature("key", b"body") == expected


def test_every_flipped_byte_of_the_body_is_refused() -> None:
    header = webhooks.signature(SECRET, BODY)
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        with pytest.raises(Refused, match=r"^signature$"):
            webhooks.verify(SECRET, header, bytes(changed))


def test_every_flipped_byte_of_the_signature_is_refused() -> None:
    header = webhooks.signature(SECRET, BODY)
    for place in range(len(header)):
        changed = header[:place] + chr(ord(header[place]) ^ 1) + header[place + 1 :]
        with pytest.raises(Refused, match=r"^signature$"):
            webhooks.verify(SECRET, changed, BODY)


@pytest.mark.parametrize(
    "header", ["", "sha256", "sha256=" + "0" * 64, "sha1 " + "0" * 40, "sha256 é" + "0" * 63]
)
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(Refused):
        webhooks.verify(SECRET, header, BODY)


def test_without_a_secret_nothing_is_accepted_not_even_a_signature_by_an_empty_key() -> None:
    with pytest.raises(Refused):
        webhooks.verify("", webhooks.signature("", BODY), BODY)


def test_escaped_unicode_is_signed_as_it_was_sent() -> None:
    sent = b'{"action":"job_created","payload":{"name":"Ing\\u00e9nieure"}}'
    header = webhooks.signature(SECRET, sent)
    webhooks.verify(SECRET, header, sent)
    again = json.dumps(json.loads(sent), ensure_ascii=False).encode()
    with pytest.raises(Refused):
        webhooks.verify(SECRET, header, again)


def test_the_29_types_are_known_and_no_other() -> None:
    assert len(webhooks.ACTIONS) == 29
    with pytest.raises(Invalid) as caught:
        webhooks.parse(body("candidate_teleported", {}))
    assert caught.value.field == "action"


@needs_samples
def test_the_types_are_those_of_the_v3_document() -> None:
    assert set(webhooks.ACTIONS) == set(schemas()["webhook_event_action_type"]["enum"])


def test_an_anonymization_names_its_fields_in_the_spelling_of_the_request() -> None:
    names = ["rejection_reasons", "emails", "emails", "something_new"]
    event = webhooks.parse(
        body("candidate_anonymized", {"candidate_id": 7, "anonymized_fields": names})
    )
    assert (event.kind, event.candidate_id) == ("anonymized", "7")
    assert event.fields == ("emails", "rejection_reason")
    assert event.unknown_fields == 1


def test_a_merge_names_the_id_that_goes_and_the_one_that_stays() -> None:
    event = webhooks.parse(body("merge_candidate", {"person": {"id": 7, "new_candidate_id": 9}}))
    assert (event.kind, event.candidate_id, event.survivor_id) == ("gone", "7", "9")


def test_a_deletion_names_its_applications() -> None:
    person = {"id": 7, "deleted_application_ids": [3, 4]}
    event = webhooks.parse(body("delete_candidate", {"person": person}))
    assert (event.kind, event.candidate_id, event.application_ids) == ("gone", "7", ("3", "4"))


@pytest.mark.parametrize("action", sorted(webhooks.ACTIONS))
def test_each_type_reads_without_what_it_does_not_need(action: str) -> None:
    payload = {"candidate_id": 7, "anonymized_fields": [], "person": {"id": 7}}
    event = webhooks.parse(body(action, payload))
    assert event.action == action
    assert (event.candidate_id == "7") is (event.kind in ("anonymized", "gone", "changed"))


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b"{}", "action"),
        (b'{"action": 3}', "action"),
        (b'{"action":"delete_candidate"}', "payload"),
        (b'{"action":"delete_candidate","payload":{}}', "payload.person.id"),
        (b'{"action":"candidate_anonymized","payload":{}}', "payload.anonymized_fields"),
        (
            b'{"action":"candidate_anonymized","payload":{"anonymized_fields":[]}}',
            "payload.candidate_id",
        ),
        (
            b'{"action":"candidate_anonymized","payload":{"candidate_id":"7","anonymized_fields":[]}}',
            "payload.candidate_id",
        ),
        (
            b'{"action":"candidate_anonymized","payload":{"candidate_id":7,"anonymized_fields":[1]}}',
            "payload.anonymized_fields",
        ),
    ],
)
def test_what_is_no_event_is_refused_with_its_place(raw: bytes, place: str) -> None:
    with pytest.raises(Invalid) as caught:
        webhooks.parse(raw)
    assert caught.value.field == place


def test_a_delivery_is_known_by_the_vendors_id_whatever_the_case_of_the_header() -> None:
    assert webhooks.delivery({"greenhouse-event-id": "12-ab"}) == "12-ab"


def test_a_delivery_without_a_usable_id_is_known_by_its_signature() -> None:
    header = webhooks.signature(SECRET, BODY)
    found = webhooks.delivery({"Signature": header, "Greenhouse-Event-ID": "a b; drop"})
    assert found == "signature:" + header[7:]
    assert len(found) <= 100


@needs_samples
def test_there_are_seventeen_samples() -> None:
    assert len(samples()) == 17


@needs_samples
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_every_leaf_of_the_vendors_webhooks_is_mapped_or_ignored_for_a_reason(path: Path) -> None:
    assert {leaf for leaf in places(load(path)) if not any_matches(KNOWN, leaf)} == set()


@needs_samples
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_the_vendors_own_webhooks_are_understood(path: Path) -> None:
    raw = path.read_bytes()
    event = webhooks.parse(raw)
    webhooks.verify(SECRET, webhooks.signature(SECRET, raw), raw)
    named = event.candidate_id or event.application_ids
    assert named, "each of the samples is about somebody"


@needs_samples
def test_no_pattern_lists_a_leaf_both_ways() -> None:
    found = {leaf for path in samples() for leaf in places(load(path))}
    twice = {
        leaf
        for leaf in found
        if any_matches(webhook_paths.MAPPED, leaf) and any_matches(IGNORED, leaf)
    }
    assert twice == set()


@needs_samples
def test_every_mapped_leaf_of_a_sample_makes_a_difference() -> None:
    for path in samples():
        sample = load(path)
        event = webhooks.parse(json.dumps(sample).encode())
        for leaf in sorted(places(sample)):
            if any_matches(webhook_paths.MAPPED, leaf) and leaf != "action":
                changed = webhooks.parse(json.dumps(_changed(sample, leaf.split("."))).encode())
                assert changed != event, f"{path.stem}: {leaf}"


def _changed(value: Any, steps: list[str]) -> Any:
    if not steps:
        return "tags" if isinstance(value, str) else 999_999
    if isinstance(value, list):
        place = int(steps[0])
        return [_changed(v, steps[1:]) if i == place else v for i, v in enumerate(value)]
    return {k: _changed(v, steps[1:]) if k == steps[0] else v for k, v in value.items()}


def test_an_unknown_leaf_would_be_noticed() -> None:
    assert not any_matches(KNOWN, "payload.person.merged_at")
    assert not any_matches(KNOWN, "payload.application.candidate.nickname")
    assert any_matches(KNOWN, "payload.application.candidate.custom_fields.any.value.0")
