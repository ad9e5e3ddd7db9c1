"""The erasable fields: which are asked, where they show, what may stay."""

import pytest

from apps.connectors.greenhouse import fields
from apps.connectors.paths import any_matches

#: The names of the v1 documentation, “Anonymize Candidate”, in alphabetical order.
DOCUMENTED = [
    "activity_items",
    "addresses",
    "all_offer_versions",
    "application_questions",
    "attachments",
    "candidate_stage_data",
    "coordinator",
    "credited_to",
    "current_company",
    "current_title",
    "custom_application_fields",
    "custom_candidate_fields",
    "custom_rejection_question_fields",
    "education",
    "email_addresses",
    "emails",
    "employment",
    "follow_up_reminders",
    "full_name",
    "headline",
    "identity_verification",
    "inmails",
    "innotes",
    "location",
    "match_score_reasoning",
    "notes",
    "offers",
    "phone_numbers",
    "prospect_jobs",
    "prospect_offices",
    "prospect_offices_and_departments",
    "prospect_owner",
    "prospect_pool_and_stage",
    "recruiter",
    "referral_questions",
    "rejection_notes",
    "rejection_reason",
    "scorecards_and_interviews",
    "social_media_links",
    "source",
    "tags",
    "third_party_integrations",
    "touchpoints",
    "websites",
]


def test_all_documented_fields_are_asked_except_the_one_that_moves_the_clock() -> None:
    assert len(DOCUMENTED) == 44
    assert {*fields.REQUESTED, fields.NEVER_ASKED} == set(DOCUMENTED)
    assert fields.NEVER_ASKED not in fields.REQUESTED
    assert len(set(fields.REQUESTED)) == 43


def test_addresses_and_sent_mail_are_two_fields_and_both_are_asked() -> None:
    assert {"emails", "email_addresses"} <= set(fields.REQUESTED)


def test_the_event_is_read_in_the_spelling_of_the_request() -> None:
    assert fields.normalised("rejection_reasons") == "rejection_reason"
    assert fields.normalised("full_name") == "full_name"
    assert fields.normalised("candidate_stage_data") == "candidate_stage_data"
    assert fields.normalised("something_new") is None


def test_nothing_may_stay_where_a_field_shows() -> None:
    for field in fields.FIELDS:
        for place in field.shown_at:
            sample = place.replace("**", "9").replace("*", "9")
            assert not any_matches(fields.NOT_PERSONAL, sample), place


@pytest.mark.parametrize(
    "leaf",
    [
        "candidate.first_name",
        "candidate.preferred_name",
        "candidate.linked_user_ids.0",
        "candidate.custom_fields.referee.value",
        "candidate.custom_fields.referee.value.name",
        "candidate.custom_fields.referee.value.email",
        "application.5.answers.0.question",
        "application.5.location_address",
        "application.5.custom_fields.x.value.id",
        "note.EMAIL.5.id",
        "offer.5.id",
        "attachment.5.id",
        "a_new_part.5.id",
        "candidate.a_new_field",
    ],
)
def test_what_is_not_listed_is_personal(leaf: str) -> None:
    assert not any_matches(fields.NOT_PERSONAL, leaf)


def test_mail_and_touchpoints_can_only_be_confirmed_by_the_vendors_event() -> None:
    blind = {field.name for field in fields.FIELDS if not field.shown_at}
    assert blind == {
        "emails", "referral_questions", "activity_items", "innotes", "inmails", "headline",
        "follow_up_reminders", "touchpoints", "match_score_reasoning", "identity_verification",
        "third_party_integrations",
    }  # fmt: skip
    assert fields.CAPABILITIES.confirms_by_event
