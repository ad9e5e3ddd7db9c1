"""The 44 fields Greenhouse can erase, where a read shows each, and what is left when it is clean.

Names: v1 documentation, “Anonymize Candidate”; v3 takes the same in {"fields": […]}.

We ask for all of them but one. Each name is a separate piece of the person: a call with the
name and the e-mail addresses leaves the notes, the interview reports, the answers and the
mails. What is left after ours, ids, dates, stages, job, serves statistics and names nobody.

Never asked: `candidate_stage_data`. It sets every application's created_at to *now* and moves
the candidate to the first stage: it would destroy the date on which our own decision rests,
and make the erased person look like a new applicant, without hiding who it was.

Asked although they name staff (recruiter, coordinator, credited_to, prospect_owner, source):
who recruited whom for which job on which day singles a person out in a small team.
`emails` erases the record of sent mail, `email_addresses` the addresses: both are needed.
`offers` keeps that an offer was made, `all_offer_versions` destroys it: both are needed.

A field no read shows can only be confirmed by the event `candidate_anonymized`. Mail,
activity, InMails and touchpoints are among them although /v3/notes lists notes of such types:
a list that was empty before proves nothing about what the vendor keeps elsewhere. A note of
any type that is still listed afterwards is a residue all the same, as it is not on the
allow-list.

Not read, because it takes scopes of special-category data (art. 9) that erasing does not need:
/v3/demographic_answers and /v3/eeoc. Scorecards' answers and attributes hang on scorecards,
which are read, and go with them.
"""

from __future__ import annotations

from apps.connectors.port import ArchiveField, Capabilities, ErasureField

NEVER_ASKED = "candidate_stage_data"

#: Field → where a read shows it.
_SHOWN: dict[str, tuple[str, ...]] = {
    "full_name": ("candidate.first_name", "candidate.last_name", "candidate.preferred_name"),
    "current_company": ("candidate.company",),
    "current_title": ("candidate.title",),
    "tags": ("candidate.tags.**",),
    "phone_numbers": ("candidate.phone_numbers.**",),
    "email_addresses": ("candidate.email_addresses.**",),
    "social_media_links": ("candidate.social_media_addresses.**",),
    "websites": ("candidate.website_addresses.**",),
    "addresses": ("candidate.addresses.**",),
    "location": ("application.*.location_address",),
    "custom_candidate_fields": (
        "candidate.custom_fields.*.value",
        "candidate.custom_fields.*.value.**",
    ),
    "source": ("application.*.source_id",),
    "recruiter": ("application.*.recruiter_id",),
    "coordinator": ("application.*.coordinator_id",),
    "credited_to": ("application.*.referrer_id",),
    "attachments": ("attachment.**",),
    "application_questions": ("application.*.answers.**",),
    "custom_application_fields": (
        "application.*.custom_fields.*.value",
        "application.*.custom_fields.*.value.**",
    ),
    "notes": ("note.NOTE.**", "application.*.agency_note_id"),
    "rejection_notes": ("rejection_detail.*.rejection_note_id",),
    "rejection_reason": ("rejection_detail.*.rejection_reason_id",),
    "custom_rejection_question_fields": (
        "rejection_detail.*.question_custom_fields.*.value",
        "rejection_detail.*.question_custom_fields.*.value.**",
    ),
    "scorecards_and_interviews": ("scorecard.**", "interview.**"),
    "offers": ("offer.**",),
    "all_offer_versions": ("offer.**",),
    "education": ("education.**",),
    "employment": ("employment.**",),
    "prospect_owner": ("prospect_detail.*.prospect_owner_id",),
    "prospect_pool_and_stage": ("prospect_detail.*.pool_id", "prospect_detail.*.pool_stage_id"),
    "prospect_jobs": ("application.*.prospective_job_ids.**",),
    "prospect_offices": ("prospect_detail.*.office_id",),
    "prospect_offices_and_departments": (
        "prospect_detail.*.office_id",
        "prospect_detail.*.department_id",
    ),
    # No list of v3 shows these: only the vendor's event confirms them.
    "emails": (),
    "referral_questions": (),
    "activity_items": (),
    "innotes": (),
    "inmails": (),
    "headline": (),
    "follow_up_reminders": (),
    "touchpoints": (),
    "match_score_reasoning": (),
    "identity_verification": (),
    "third_party_integrations": (),
}

#: “full_name” leaves this first name, and the candidate's id as the last.
ANONYMIZED_NAME = "Anonymized"
_END_STATES = {"full_name": (ANONYMIZED_NAME, "{remote_id}")}

FIELDS = tuple(
    ErasureField(name, shown_at, _END_STATES.get(name, ())) for name, shown_at in _SHOWN.items()
)
REQUESTED = tuple(field.name for field in FIELDS)

#: What may stay: ids, dates, states, flags, and the *definitions* of custom fields (not values).
#: Everything else that a read returns after an erasure is a residue. `linked_user_ids` is left
#: out on purpose: it ties the candidate to a member of staff.
NOT_PERSONAL = (
    "candidate.id",
    "candidate.created_at",
    "candidate.updated_at",
    "candidate.last_activity_at",
    "candidate.private",
    "candidate.can_email",
    "candidate.time_zone",
    "candidate.custom_fields.*.name",
    "candidate.custom_fields.*.type",
    "application.*.id",
    "application.*.candidate_id",
    "application.*.created_at",
    "application.*.updated_at",
    "application.*.last_activity_at",
    "application.*.rejected_at",
    "application.*.status",
    "application.*.prospect",
    "application.*.needs_decision",
    "application.*.stage_id",
    "application.*.stage_name",
    "application.*.job_id",
    "application.*.job_post_id",
    "application.*.custom_fields.*.name",
    "application.*.custom_fields.*.type",
    "rejection_detail.*.id",
    "rejection_detail.*.application_id",
    "rejection_detail.*.created_at",
    "rejection_detail.*.updated_at",
    "rejection_detail.*.rejected_at",
    "rejection_detail.*.rejected_by_id",
    "rejection_detail.*.question_custom_fields.*.name",
    "rejection_detail.*.question_custom_fields.*.type",
    "prospect_detail.*.id",
    "prospect_detail.*.application_id",
    "prospect_detail.*.created_at",
    "prospect_detail.*.updated_at",
)

#: Where a read shows what the archive keeps. Ratings of a scorecard, never its notes. No list
#: shows what an AI screening said, nor the mail that told the refusal.
ARCHIVE = (
    ArchiveField("candidate_ref", ("candidate.id",)),
    ArchiveField("full_name", ("candidate.first_name", "candidate.last_name")),
    ArchiveField("contact_email", ("candidate.email_addresses.*.value",)),
    ArchiveField("job_ref", ("application.*.job_id",)),
    ArchiveField("application_date", ("application.*.created_at",)),
    ArchiveField(
        "stage_dates", ("application.*.rejected_at", "interview.*.starts_at", "offer.*.sent_on")
    ),
    ArchiveField("decision", ("application.*.status", "application.*.stage_name")),
    ArchiveField("decision_reason_objective", ("rejection_detail.*.rejection_reason_id",)),
    ArchiveField(
        "evaluation_grid",
        (
            "scorecard.*.candidate_rating",
            "scorecard.*.interviewed_at",
            "scorecard.*.interview_kit_id",
        ),
    ),
)

CAPABILITIES = Capabilities(
    actions=frozenset({"anonymize", "delete"}),
    fields=FIELDS,
    not_personal=NOT_PERSONAL,
    archive=ARCHIVE,
    confirms_by_event=True,
)

#: The event spells some names otherwise than the request: one spelling inside Lethe.
_EVENT_SPELLING = {"rejection_reasons": "rejection_reason"}
_KNOWN = frozenset((*REQUESTED, NEVER_ASKED))


def normalised(name: str) -> str | None:
    """The request's spelling of a field the event names; None for a name nobody documents."""
    name = _EVENT_SPELLING.get(name, name)
    return name if name in _KNOWN else None
