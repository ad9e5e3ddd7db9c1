"""Harvest v3 as plain values: the triggers, what is unknown, and every leaf of the samples."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.connectors.countries import is_code, of_location
from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse import mapping
from apps.connectors.greenhouse.mapping import Around
from apps.connectors.paths import any_matches
from apps.connectors.port import Dated

from .vendor_samples import load, needs_samples, places, schemas, v3

ADA: dict[str, Any] = {
    "id": 7,
    "created_at": "2023-01-02T09:00:00.000Z",
    "updated_at": "2024-05-06T10:11:12.000Z",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email_addresses": [{"value": "ada@example.org", "type": "personal"}],
    "phone_numbers": [{"value": "01 99 00 12 34", "type": "home"}, {"value": " ", "type": "other"}],
    "tags": ["Vivier"],
}
REJECTED: dict[str, Any] = {
    "id": 11,
    "candidate_id": 7,
    "status": "rejected",
    "created_at": "2023-01-02T09:00:00.000Z",
    "rejected_at": "2023-03-04T23:30:00.000Z",
    "last_activity_at": "2026-11-01T00:00:00.000Z",
    "job_id": 5,
    "prospect": False,
    "stage_name": "Offer",
}
IGNORED = tuple(pattern for patterns in mapping.IGNORED.values() for pattern in patterns)


def test_a_rejection_closes_the_process_and_is_told_approximately() -> None:
    found = mapping.application(REJECTED, Around(countries={5: "FR"}))
    closed = datetime(2023, 3, 4, 23, 30, tzinfo=UTC)
    assert (found.state, found.country) == ("rejected", "FR")
    assert found.applied == Dated(datetime(2023, 1, 2, 9, tzinfo=UTC), "exact")
    assert found.closed == Dated(closed, "exact")
    assert found.rejected_notified == Dated(closed, "approximate")


def test_the_last_activity_moves_no_date() -> None:
    later = REJECTED | {"last_activity_at": "2026-11-20T00:00:00.000Z"}
    assert mapping.application(later, Around()) == mapping.application(REJECTED, Around())


def test_an_application_that_was_rejected_once_and_reopened_has_no_closing_date() -> None:
    found = mapping.application(REJECTED | {"status": "in_process"}, Around())
    assert (found.state, found.closed, found.rejected_notified) == ("open", Dated(), Dated())


def test_a_state_nobody_documents_is_unknown() -> None:
    found = mapping.application(REJECTED | {"status": "frozen"}, Around())
    assert (found.state, found.status, found.stage) == ("unknown", "frozen", "Offer")
    assert found.closed == mapping.application(REJECTED, Around()).closed, "it may mean an end"


def test_a_refusal_names_its_reason() -> None:
    details: list[dict[str, Any]] = [
        {"id": 1, "application_id": 11, "rejection_reason_id": 5003},
        {"id": 2, "application_id": 12, "rejection_reason_id": 9},
        {"id": 3, "application_id": 13, "rejection_reason_id": None},
    ]
    names = [{"id": 5003, "name": "Candidature retirée"}]
    reasons = mapping.reasons(details, names)
    assert reasons == {11: "Candidature retirée"}
    around = Around(reasons=reasons)
    assert mapping.application(REJECTED, around).reason == "Candidature retirée"
    assert mapping.application(REJECTED | {"status": "hired"}, around).reason == ""


def test_a_hire_starts_with_the_newest_accepted_offer() -> None:
    offers = [
        {"status": "Accepted", "version": 1, "starts_on": "2024-01-01"},
        {"status": "Accepted", "version": 2, "starts_on": "2024-02-01"},
        {"status": "Deprecated", "version": 3, "starts_on": "2024-03-01"},
    ]
    found = mapping.application(REJECTED | {"status": "hired"}, Around(offers={11: offers}))
    assert found.hire_started == Dated(datetime(2024, 2, 1, 12, tzinfo=UTC), "exact")


@pytest.mark.parametrize("offers", [[], [{"status": "Accepted", "starts_on": None}]])
def test_a_hire_without_a_start_date_stays_undecided(offers: list[dict[str, Any]]) -> None:
    found = mapping.application(REJECTED | {"status": "hired"}, Around(offers={11: offers}))
    assert found.hire_started == Dated()


def test_a_candidate_is_taken_in_with_what_finds_them_again() -> None:
    found = mapping.candidate(ADA, [REJECTED], Around(pool_tags={"vivier"}))
    assert (found.remote_id, found.first_name, found.last_name) == ("7", "Ada", "Lovelace")
    assert (found.emails, found.phones) == (("ada@example.org",), ("01 99 00 12 34",))
    assert found.talent_pool
    assert not found.anonymized
    assert found.collected == Dated(datetime(2023, 1, 2, 9, tzinfo=UTC), "exact")
    assert [item.remote_id for item in found.applications] == ["11"]


def test_an_anonymized_candidate_has_no_name_to_keep() -> None:
    row = ADA | {"first_name": "Anonymized", "last_name": "7"}
    bare = row | {"email_addresses": [], "phone_numbers": []}
    found = mapping.candidate(bare, [], Around())
    assert (found.first_name, found.last_name, found.anonymized) == ("", "", True)
    assert not mapping.candidate(row, [], Around()).anonymized, "an e-mail is left"


@pytest.mark.parametrize("row", [{**ADA, "id": None}, {**ADA, "id": "7"}, {**ADA, "updated_at": 3}])
def test_an_object_without_an_id_or_a_date_is_malformed(row: dict[str, Any]) -> None:
    with pytest.raises(ConnectorError, match=r"^malformed$"):
        mapping.candidate(row, [], Around())


def test_a_job_between_two_countries_names_none() -> None:
    offices = [{"id": 1, "location": "Lyon, France"}, {"id": 2, "location": "Gent, Belgique"}]
    jobs: list[dict[str, Any]] = [
        {"id": 5, "office_ids": [1]},
        {"id": 6, "office_ids": [1, 2]},
        {"id": 7},
    ]
    assert mapping.job_countries(jobs, offices) == {5: "FR"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Lyon, France", "FR"),
        ("London, United Kingdom", "GB"),
        ("Genève, Suisse", "CH"),
        ("Köln (Deutschland)", "DE"),
        ("Alemania", "DE"),
        ("Leeds, UK", "GB"),
        ("Portland, DE", None),
        ("New York, NY", None),
        ("Remote", None),
        ("", None),
        (None, None),
    ],
)
def test_the_country_of_an_office_is_read_from_its_last_words(
    text: str | None, code: str | None
) -> None:
    assert of_location(text) == code


def test_only_codes_of_countries_are_codes() -> None:
    assert is_code("FR")
    assert not is_code("XX")


@needs_samples
def test_every_leaf_of_the_v3_samples_is_mapped_or_ignored_for_a_reason() -> None:
    found = set()
    for path in v3():
        sample = load(path)
        rows = sample if isinstance(sample, list) else []
        found |= {leaf for row in rows for leaf in places(row, "application")}
        found |= places(sample) if not rows else set()
    assert len(v3()) == 2
    assert len(found) > 20
    assert {leaf for leaf in found if not any_matches((*mapping.MAPPED, *IGNORED), leaf)} == set()


@needs_samples
@pytest.mark.parametrize("kind", ["candidate", "application"])
def test_every_property_of_the_v3_document_is_mapped_or_ignored(kind: str) -> None:
    known = {pattern.split(".")[1] for pattern in (*mapping.MAPPED, *IGNORED) if "." in pattern}
    assert set(schemas()[kind]["properties"]) - known == set()


@needs_samples
def test_the_vendors_own_application_is_understood() -> None:
    (path,) = [item for item in v3() if "applications_list" in item.name]
    (row,) = load(path)
    found = mapping.application(row, Around())
    assert (found.state, found.job, found.prospect) == ("open", "1", False)
    assert found.applied == Dated(datetime(2024, 1, 1, 12, 30, 30, tzinfo=UTC), "exact")


def test_an_unknown_leaf_would_be_noticed() -> None:
    assert not any_matches((*mapping.MAPPED, *IGNORED), "application.merged_into_id")
    assert not any_matches((*mapping.MAPPED, *IGNORED), "candidate.email_addresses.0.verified")


def test_each_mapped_leaf_changes_what_is_taken_in() -> None:
    """A leaf is mapped only if it makes a difference: else it belongs on the ignore list."""
    around = Around(pool_tags={"vivier"})
    base = mapping.candidate(ADA, [REJECTED], around)
    changes: dict[str, Any] = {
        "id": 8, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        "first_name": "Grace", "last_name": "Hopper", "tags": [],
        "email_addresses": [{"value": "g@example.org"}], "phone_numbers": [],
    }  # fmt: skip
    for name, value in changes.items():
        assert mapping.candidate({**ADA, name: value}, [REJECTED], around) != base, name
    application: dict[str, Any] = {
        "id": 12, "created_at": None, "rejected_at": None, "status": "hired", "prospect": True,
        "job_id": 6, "stage_name": "Review",
    }  # fmt: skip
    for name, value in application.items():
        assert mapping.application({**REJECTED, name: value}, around) != base.applications[0], name
