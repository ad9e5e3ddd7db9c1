"""What each anonymizable name of the fake destroys, and what it leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.fakes.greenhouse import start
from apps.connectors.fakes.greenhouse.catalogue import ANONYMIZABLE, HIDDEN_KINDS
from apps.connectors.fakes.greenhouse.people import person
from tests.connectors.greenhouse_caller import Caller, calling, config, until

BASE = 40_000_000
ADA = "Ada Ñandú"


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with start(config(tmp_path, candidates=3)) as fake, calling(fake) as caller:
        yield caller


def _custom(name: str) -> dict[str, Any]:
    return {name: {"name": name, "type": "short_text", "value": ADA}}


def _ada(caller: Caller) -> int:
    """A candidate with at least one row or value for each of the 44 names."""
    added = caller.control(
        "POST",
        "candidates",
        {
            "candidate": {
                "first_name": "Ada",
                "last_name": "Ñandú",
                "preferred_name": "Adi",
                "company": "Ada SARL",
                "title": "Ada's deputy",
                "tags": ["vivier"],
                "phone_numbers": [{"value": "06 39 98 99 99", "type": "mobile"}],
                "addresses": [{"value": "1 rue Ada", "type": "home"}],
                "email_addresses": [{"value": "ada@example.org", "type": "personal"}],
                "website_addresses": [{"value": "https://ada.example.org", "type": "personal"}],
                "social_media_addresses": [{"value": "https://social.example.org/ada"}],
                "custom_fields": _custom("reference_contact"),
            },
            "applications": [
                {
                    "status": "rejected",
                    "created_at": "2026-01-05T10:00:00.000Z",
                    "rejected_at": "2026-02-05T10:00:00.000Z",
                    "job_id": 2001,
                    "stage_id": 20012,
                    "stage_name": "Face to Face",
                    "source_id": 3001,
                    "recruiter_id": 4001,
                    "coordinator_id": 4002,
                    "referrer_id": 4003,
                    "location_address": "Ada-sur-Mer",
                    "answers": [{"question": "Who?", "answer": ADA}],
                    "prospective_job_ids": [2002],
                    "custom_fields": _custom("availability"),
                }
            ],
        },
    )
    candidate_id, application_id = added["id"], added["application_ids"][0]
    _add_rows(caller, candidate_id, application_id)
    return int(candidate_id)


def _add_rows(caller: Caller, candidate_id: int, application_id: int) -> None:
    """Rows that hang on Ada or on her application; written with a helper candidate's call."""
    detail = next(
        row
        for row in caller.rows("rejection_details", application_ids=application_id)
        if row["application_id"] == application_id
    )
    owner = {"candidate_id": candidate_id, "application_id": application_id}
    rows: dict[str, list[dict[str, Any]]] = {
        "attachments": [{"type": "resume", "filename": "CV_Ada.pdf", "url": "", "id": 77}],
        "files": [{"content": ADA, "id": 77}],
        "notes": [{"body": ADA, "id": 81}, {"body": f"Refused {ADA}", "id": 82}],
        "scorecards": [{"notes": ADA}],
        "interviews": [{"location": ADA}],
        "offers": [{"starts_on": "2026-03-01", "custom_fields": _custom("package")}],
        "prospect_details": [
            {
                "pool_id": 1,
                "pool_stage_id": 2,
                "prospect_owner_id": 3,
                "department_id": 4,
                "office_id": 5,
            }
        ],
        "rejection_details": [
            detail
            | {
                "rejection_reason_id": 5001,
                "rejection_note_id": 82,
                "question_custom_fields": _custom("feedback_given"),
            }
        ],
    }
    personal: dict[str, list[dict[str, Any]]] = {
        "educations": [{"start_at": "2001-09-01T00:00:00.000Z", "end_at": None}],
        "employments": [_EMPLOYMENT],
        "applied_candidate_tags": [{"candidate_tag_id": 6001}],
        "profiles": [{"headline": ADA, "credited_to": ADA}],
    }
    hidden = {f"{kind}s": [{"body": ADA}] for kind in HIDDEN_KINDS if kind not in _BY_HAND}
    body = {
        **{plural: [owner | doc for doc in docs] for plural, docs in rows.items()},
        **{
            plural: [{"candidate_id": candidate_id} | doc for doc in docs]
            for plural, docs in (personal | hidden).items()
        },
    }
    helper = caller.control("POST", "candidates", body)["id"]
    caller.send("DELETE", f"candidates/{helper}")


_BY_HAND = ("profile", "file")
_EMPLOYMENT = {
    "company_name": "Ada SARL",
    "title": "Ada's deputy",
    "start_date": "2010-01-01",
    "end_date": None,
}


def _about(caller: Caller, candidate_id: int) -> dict[tuple[str, int], dict[str, Any]]:
    """Every row of the dump that hangs on the candidate, also through an application."""
    dump = caller.dump()
    applications = {row["id"] for row in dump["application"] if row["candidate_id"] == candidate_id}
    return {
        (kind, row["id"]): row
        for kind, rows in dump.items()
        for row in rows
        if row.get("candidate_id") == candidate_id
        or row.get("application_id") in applications
        or (kind, row["id"]) == ("candidate", candidate_id)
    }


def _changed(before: dict[Any, dict[str, Any]], after: dict[Any, dict[str, Any]]) -> set[str]:
    """`kind.field` for a changed value, `-kind` for a destroyed row."""
    gone = {f"-{kind}" for kind, id_ in before.keys() - after.keys()}
    return gone | {
        f"{key[0]}.{field}"
        for key in before.keys() & after.keys()
        for field, value in before[key].items()
        if value != after[key][field] and field != "updated_at"
    }


EXPECTED: dict[str, set[str]] = {
    "full_name": {"candidate.first_name", "candidate.last_name", "candidate.preferred_name"},
    "current_company": {"candidate.company"},
    "current_title": {"candidate.title"},
    "tags": {"candidate.tags", "-applied_candidate_tag"},
    "phone_numbers": {"candidate.phone_numbers"},
    "emails": {"-sent_email"},
    "social_media_links": {"candidate.social_media_addresses"},
    "websites": {"candidate.website_addresses"},
    "addresses": {"candidate.addresses"},
    "location": {"application.location_address"},
    "custom_candidate_fields": {"candidate.custom_fields"},
    "source": {"application.source_id"},
    "recruiter": {"application.recruiter_id"},
    "coordinator": {"application.coordinator_id"},
    "attachments": {"-attachment", "-file"},
    "application_questions": {"application.answers"},
    "referral_questions": {"-referral_answer"},
    "notes": {"-note"},
    "rejection_notes": {"-note", "rejection_detail.rejection_note_id"},
    "email_addresses": {"candidate.email_addresses"},
    "activity_items": {"-activity_item"},
    "innotes": {"-innote"},
    "inmails": {"-inmail"},
    "rejection_reason": {"rejection_detail.rejection_reason_id"},
    "scorecards_and_interviews": {"-scorecard", "-interview"},
    "offers": {"offer.custom_fields", "offer.starts_on"},
    "credited_to": {"application.referrer_id", "profile.credited_to"},
    "headline": {"profile.headline"},
    "all_offer_versions": {"-offer"},
    "follow_up_reminders": {"-follow_up_reminder"},
    "custom_application_fields": {"application.custom_fields"},
    "education": {"-education"},
    "employment": {"-employment"},
    "candidate_stage_data": {
        "application.created_at",
        "application.stage_id",
        "application.stage_name",
    },
    "prospect_owner": {"prospect_detail.prospect_owner_id"},
    "custom_rejection_question_fields": {"rejection_detail.question_custom_fields"},
    "touchpoints": {"-touchpoint"},
    "prospect_pool_and_stage": {"prospect_detail.pool_id", "prospect_detail.pool_stage_id"},
    "prospect_jobs": {"application.prospective_job_ids"},
    "prospect_offices": {"prospect_detail.office_id"},
    "prospect_offices_and_departments": {
        "prospect_detail.office_id",
        "prospect_detail.department_id",
    },
    "match_score_reasoning": {"-match_score"},
    "identity_verification": {"-identity_verification"},
    "third_party_integrations": {"-integration"},
}


def test_there_is_an_expectation_for_each_of_the_44_names() -> None:
    assert set(EXPECTED) == set(ANONYMIZABLE)
    assert len(ANONYMIZABLE) == 44


@pytest.mark.parametrize("field", ANONYMIZABLE)
def test_a_field_destroys_what_the_document_says_and_nothing_else(
    caller: Caller, field: str
) -> None:
    ada = _ada(caller)
    before = _about(caller, ada)
    assert caller.anonymize(ada, field).status_code == 200
    after = _about(caller, ada)
    assert _changed(before, after) == EXPECTED[field]


def test_an_anonymized_name_is_anonymized_and_the_id(caller: Caller) -> None:
    answer = caller.anonymize(BASE, "full_name").json()
    assert (answer["first_name"], answer["last_name"]) == ("Anonymized", str(BASE))


def test_notes_spare_the_rejection_note_and_rejection_notes_spare_the_others(
    caller: Caller,
) -> None:
    ada = _ada(caller)
    caller.anonymize(ada, "notes")
    assert [row["id"] for row in caller.rows("notes", candidate_ids=ada)] == [82]
    caller.anonymize(ada, "rejection_notes")
    assert caller.rows("notes", candidate_ids=ada) == []


def test_stage_data_destroys_the_date_of_application(caller: Caller) -> None:
    ada = _ada(caller)
    caller.anonymize(ada, "candidate_stage_data")
    application = caller.rows("applications", candidate_ids=ada)[0]
    assert application["created_at"] > "2026-01-05T10:00:00.000Z"
    assert application["stage_name"] == "Application Review"
    assert application["rejected_at"] == "2026-02-05T10:00:00.000Z"


def test_all_44_names_leave_no_trace_of_the_person(caller: Caller) -> None:
    ada = _ada(caller)
    caller.anonymize(ada, *ANONYMIZABLE)
    text = str(_about(caller, ada))
    for trace in ("Ada", "Adi", "ada", "Ñandú", "63998"):
        assert trace not in text.replace("Anonymized", "")


@pytest.mark.parametrize("index", range(3))
def test_all_44_names_leave_no_trace_of_an_invented_person(caller: Caller, index: int) -> None:
    who = person(1, index)
    caller.anonymize(BASE + index, *ANONYMIZABLE)
    dump = caller.client.get(
        f"{caller.fake.url}/_control/dump",
        headers={"Authorization": f"Bearer {caller.fake.control_token}"},
    ).json()
    text = str(dump)
    assert not [trace for trace in who.traces if trace in text]
    others = [person(1, other) for other in range(3) if other != index]
    assert all(trace in text for other in others for trace in other.emails)


def test_the_state_file_itself_can_be_searched_once_it_is_compacted(tmp_path: Path) -> None:
    settings = config(tmp_path, candidates=60)
    with start(settings) as fake, calling(fake) as caller:
        for index in range(50):
            caller.anonymize(BASE + index, *ANONYMIZABLE)
        caller.control("POST", "compact")
        files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    found = [index for index in range(60) if person(1, index).emails[0].encode() in files]
    assert found == list(range(50, 60))


def test_an_anonymized_candidate_is_found_by_a_window_of_updates(caller: Caller) -> None:
    updated_at = caller.rows("candidates", ids=BASE)[0]["updated_at"]
    caller.anonymize(BASE, "emails")
    assert caller.rows("candidates", ids=BASE)[0]["updated_at"] > updated_at


@pytest.mark.parametrize("fields", [[], ["nickname"], ["full_name", "nickname"], "full_name", None])
def test_unknown_or_missing_fields_are_unprocessable_and_change_nothing(
    caller: Caller, fields: object
) -> None:
    before = caller.dump()
    answer = caller.send("PATCH", f"candidates/{BASE}/anonymize", {"fields": fields})
    assert answer.status_code == 422
    assert caller.dump() == before


def test_an_unknown_candidate_cannot_be_anonymized_or_deleted(caller: Caller) -> None:
    assert caller.anonymize(12, "full_name").status_code == 404
    assert caller.send("DELETE", "candidates/12").status_code == 404


def test_a_large_scope_may_complete_later(tmp_path: Path) -> None:
    settings = config(tmp_path, candidates=2, anonymize_delay=0.3)
    with start(settings) as fake, calling(fake) as caller:
        answer = caller.anonymize(BASE, "full_name")
        assert answer.status_code == 200
        assert set(answer.json()) == {"message"}
        assert caller.rows("candidates", ids=BASE)[0]["first_name"] != "Anonymized"
        assert caller.effects(BASE) == []
        until(lambda: caller.effects(BASE) == ["anonymize"])
        assert caller.rows("candidates", ids=BASE)[0]["first_name"] == "Anonymized"


def test_what_was_to_complete_later_completes_after_a_restart(tmp_path: Path) -> None:
    settings = config(tmp_path, candidates=2, anonymize_delay=0.3)
    with start(settings) as fake, calling(fake) as caller:
        caller.anonymize(BASE, "full_name")
    with start(settings) as fake, calling(fake) as caller:
        until(lambda: caller.effects(BASE) == ["anonymize"])


def test_a_deleted_candidate_leaves_nothing(caller: Caller) -> None:
    ada = _ada(caller)
    answer = caller.send("DELETE", f"candidates/{ada}")
    assert answer.json() == {"message": f"Person {ada} has been deleted."}
    assert _about(caller, ada) == {}
    assert caller.rows("candidates", ids=ada) == []
    assert caller.rows("candidates", email="ada@example.org") == []
    assert caller.effects(ada) == ["delete"]


def test_a_deleted_application_takes_its_own_rows_only(caller: Caller) -> None:
    ada = _ada(caller)
    other = caller.control("POST", "applications", {"candidate_id": ada, "job_id": 2002})["id"]
    first = caller.rows("applications", candidate_ids=ada)[-1]["id"]
    answer = caller.send("DELETE", f"applications/{first}")
    assert answer.json() == {"message": f"Application {first} deleted successfully"}
    assert [row["id"] for row in caller.rows("applications", candidate_ids=ada)] == [other]
    kinds = {kind for kind, _ in _about(caller, ada)}
    assert {"candidate", "application", "education", "sent_email"} <= kinds
    assert kinds.isdisjoint({"attachment", "scorecard", "rejection_detail", "offer"})


def test_a_deleted_attachment_takes_its_file_along(caller: Caller) -> None:
    ada = _ada(caller)
    url = caller.rows("attachments", candidate_ids=ada)[0]["url"]
    assert caller.client.get(url).status_code == 200
    assert caller.send("DELETE", "attachments/77").status_code == 200
    assert caller.client.get(url).status_code == 404
    assert caller.rows("attachments", candidate_ids=ada) == []


def test_overwriting_name_and_email_leaves_all_the_rest(caller: Caller) -> None:
    ada = _ada(caller)
    before = _about(caller, ada)
    body = {"first_name": "X", "last_name": "Y", "email_addresses": []}
    assert caller.send("PATCH", f"candidates/{ada}", body).status_code == 200
    assert _changed(before, _about(caller, ada)) == {
        "candidate.first_name",
        "candidate.last_name",
        "candidate.email_addresses",
        "candidate.last_activity_at",
    }


def test_a_merged_candidate_lives_on_under_the_other_id(caller: Caller) -> None:
    ada = _ada(caller)
    answer = caller.send("POST", f"candidates/{BASE}/merge", {"secondary_candidate_id": ada})
    assert answer.status_code == 200
    assert caller.rows("candidates", ids=ada) == []
    assert caller.rows("candidates", email="ada@example.org")[0]["id"] == BASE
    assert caller.rows("notes", candidate_ids=BASE)[0]["candidate_id"] == BASE
    assert caller.effects(ada) == ["merge"]


def test_a_candidate_is_not_merged_into_itself_or_into_nobody(caller: Caller) -> None:
    for secondary, status in ((BASE, 422), ("x", 422), (12, 404)):
        answer = caller.send(
            "POST", f"candidates/{BASE}/merge", {"secondary_candidate_id": secondary}
        )
        assert answer.status_code == status
