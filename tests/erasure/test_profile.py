"""The minimal profile of the archive: by name, each field said to be archived or why not."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.connectors.greenhouse.fields import ARCHIVE, FIELDS
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate, Snapshot
from apps.erasure import profile

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CANDIDATE = RemoteCandidate(
    remote_id="7",
    updated_at=AT,
    applications=(
        RemoteApplication(
            "11", "rejected", reason="Trop junior", rejected_notified=Dated(AT, "approximate")
        ),
    ),
)
LEAVES = {
    "candidate.id": 7,
    "candidate.first_name": "Ada",
    "candidate.last_name": "Quillfeather",
    "candidate.email_addresses.0.value": "ada@example.org",
    "candidate.phone_numbers.0.value": "+33 6 39 98 00 01",
    "candidate.custom_fields.salary.value": "60 000",
    "note.NOTE.5.body": "Très bavarde",
    "application.11.job_id": 77,
    "application.11.status": "rejected",
    "scorecard.3.candidate_rating": "no",
    "scorecard.3.private_notes": "Vérifier le parcours",
}


def shot(leaves: dict[str, object] | None = None, *unreadable: str) -> Snapshot:
    found = LEAVES if leaves is None else leaves
    return Snapshot("7", True, found, frozenset(unreadable), CANDIDATE, AT)  # type: ignore[arg-type]  # scalars


def test_only_what_is_named_is_drawn() -> None:
    drawn = profile.draw(shot(), ARCHIVE, ["v1"])
    said = str(drawn.content)
    for kept in ("Ada", "ada@example.org", "77", "no", "Trop junior", "v1"):
        assert kept in said
    for left in ("+33", "60 000", "bavarde", "parcours"):
        assert left not in said
    assert "Ada" not in repr(drawn)


def test_each_field_is_archived_absent_or_unreadable() -> None:
    drawn = profile.draw(shot(None, "scorecard"), ARCHIVE, [])
    assert set(drawn.statuses) == set(profile.FIELDS)
    assert drawn.statuses["full_name"] == "archived"
    assert drawn.statuses["refusal_communication"] == "archived"
    assert drawn.statuses["notices_version"] == "absent"
    assert drawn.unreadable == ("evaluation_grid", "ai_screening_ref")
    assert profile.blind(ARCHIVE) == ("ai_screening_ref",)


def test_an_ats_that_shows_nothing_is_blind_to_all_that_lethe_does_not_know_itself() -> None:
    assert set(profile.FIELDS) - set(profile.blind(())) == {
        "refusal_communication",
        "notices_version",
    }


def test_a_later_reading_adds_and_replaces_nothing() -> None:
    first = profile.draw(shot(), ARCHIVE, [])
    later = shot(
        {
            "candidate.first_name": "Anonymized",
            "candidate.last_name": "7",
            "application.11.job_id": 78,
            "application.12.job_id": 79,
        }
    )
    marks = {mark.format(remote_id="7") for field in FIELDS for mark in field.end_states}
    fresh = profile.draw(later, ARCHIVE, [])
    both = profile.joined(first.content, first.statuses, fresh, erased=marks)
    assert both.content["full_name"] == first.content["full_name"]
    assert both.content["contact_email"] == first.content["contact_email"]
    assert both.content["job_ref"] == {
        "application.11.job_id": 77,
        "application.11.job_id (later)": 78,
        "application.12.job_id": 79,
    }
    assert both.statuses["contact_email"] == "archived"
    again = profile.joined(first.content, first.statuses, first, erased=marks)
    assert again.content == first.content


def test_what_neither_reading_saw_the_whole_of_stays_unreadable() -> None:
    first = profile.draw(shot(None, "application"), ARCHIVE, [])
    assert first.statuses["job_ref"] == "unreadable"
    assert "job_ref" in first.content
    still = profile.joined(first.content, first.statuses, first, erased=())
    assert still.statuses["job_ref"] == "unreadable"
    whole = profile.joined(
        first.content, first.statuses, profile.draw(shot(), ARCHIVE, []), erased=()
    )
    assert whole.statuses["job_ref"] == "archived"
