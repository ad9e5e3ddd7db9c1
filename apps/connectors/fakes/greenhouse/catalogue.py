"""What the Harvest v3 document says exists: lists, their filters, scopes, anonymizable fields.

Source: the v3 OpenAPI document (harvestdocs.greenhouse.io) and, for the names that
`anonymize` takes, the v1 documentation, whose vocabulary the webhooks still use.
"""

from dataclasses import dataclass

#: How many ids one `ids=` or `…_ids=` filter takes.
MAX_IDS = 50
MAX_PER_PAGE = 500
DEFAULT_PER_PAGE = 100

COMMON_FILTERS = frozenset({"ids", "created_at", "updated_at", "per_page", "fields", "cursor"})
TIME_FILTERS = frozenset({"created_at", "updated_at", "last_activity_at"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One `GET /v3/<path>`; `kind` is what its rows are called in the state.

    `ids` are the filters over lists of ids, `equals` those over one value of the row.
    """

    path: str
    kind: str
    ids: tuple[str, ...] = ()
    equals: tuple[str, ...] = ()
    times: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        return f"harvest:{self.path}:list"

    @property
    def parameters(self) -> frozenset[str]:
        return COMMON_FILTERS | {*self.ids, *self.equals, *self.times}


_LISTINGS = (
    Listing(
        "candidates",
        "candidate",
        equals=("email", "tag", "private"),
        times=("last_activity_at",),
    ),
    Listing(
        "applications",
        "application",
        ids=("candidate_ids", "job_ids"),
        equals=("status", "prospect", "stage_name"),
        times=("last_activity_at",),
    ),
    Listing(
        "attachments", "attachment", ids=("candidate_ids", "application_ids"), equals=("type",)
    ),
    Listing(
        "notes",
        "note",
        ids=("candidate_ids", "application_ids"),
        equals=("type", "visibility"),
    ),
    Listing("rejection_details", "rejection_detail", ids=("application_ids",)),
    Listing("rejection_reasons", "rejection_reason"),
    Listing("scorecards", "scorecard", ids=("application_ids",), equals=("status",)),
    Listing("interviews", "interview", ids=("application_ids",), equals=("status",)),
    Listing("offers", "offer", ids=("candidate_ids", "application_ids"), equals=("status",)),
    Listing("candidate_educations", "education", ids=("candidate_ids",)),
    Listing("candidate_employments", "employment", ids=("candidate_ids",)),
    Listing("applied_candidate_tags", "applied_candidate_tag", ids=("candidate_ids",)),
    Listing("candidate_tags", "candidate_tag"),
    Listing("prospect_details", "prospect_detail", ids=("application_ids",)),
    Listing("custom_fields", "custom_field", equals=("field_type",)),
    Listing("jobs", "job", equals=("status",)),
    Listing("offices", "office"),
    Listing("job_interview_stages", "job_interview_stage", ids=("job_ids",)),
    Listing("sources", "source"),
    Listing("users", "user"),
)
LISTINGS = {listing.path: listing for listing in _LISTINGS}

WRITE_SCOPES = frozenset(
    {
        "harvest:candidates:anonymize",
        "harvest:candidates:destroy",
        "harvest:candidates:update",
        "harvest:candidates:merge",
        "harvest:applications:destroy",
        "harvest:attachments:destroy",
    }
)
ALL_SCOPES = WRITE_SCOPES | {listing.scope for listing in _LISTINGS}

#: Rows that no v3 list shows, though they hold personal data: only the event confirms their end.
HIDDEN_KINDS = (
    "profile",
    "sent_email",
    "activity_item",
    "innote",
    "inmail",
    "touchpoint",
    "follow_up_reminder",
    "referral_answer",
    "match_score",
    "identity_verification",
    "integration",
    "file",
)

#: The 44 names `anonymize` takes (v1 documentation, "Anonymize Candidate").
ANONYMIZABLE = (
    "full_name",
    "current_company",
    "current_title",
    "tags",
    "phone_numbers",
    "emails",
    "social_media_links",
    "websites",
    "addresses",
    "location",
    "custom_candidate_fields",
    "source",
    "recruiter",
    "coordinator",
    "attachments",
    "application_questions",
    "referral_questions",
    "notes",
    "rejection_notes",
    "email_addresses",
    "activity_items",
    "innotes",
    "inmails",
    "rejection_reason",
    "scorecards_and_interviews",
    "offers",
    "credited_to",
    "headline",
    "all_offer_versions",
    "follow_up_reminders",
    "custom_application_fields",
    "education",
    "employment",
    "candidate_stage_data",
    "prospect_owner",
    "custom_rejection_question_fields",
    "touchpoints",
    "prospect_pool_and_stage",
    "prospect_jobs",
    "prospect_offices",
    "prospect_offices_and_departments",
    "match_score_reasoning",
    "identity_verification",
    "third_party_integrations",
)

#: The event says some names otherwise than the request does.
EVENT_SPELLING = {"rejection_reason": "rejection_reasons"}
