"""Every leaf of Greenhouse's webhooks: taken, or left out for a written reason.

A webhook is a hint, not a source: it says *whom* to look at, and what was anonymized; the
facts themselves are read again with our own credential. So nothing about the person is taken
from it. The list is written leaf by leaf all the same: a leaf nobody has looked at must not
slip through, as one day it may be the one that says a person was merged.
"""

from __future__ import annotations

from collections.abc import Iterable


def _under(prefix: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names)


MAPPED = (
    "action",
    "payload.candidate_id",
    "payload.anonymized_fields.*",
    "payload.person.id",
    "payload.person.new_candidate_id",
    "payload.person.deleted_application_ids.*",
    "payload.candidate.id",
    "payload.application.id",
    "payload.application.candidate.id",
    "payload.application.candidate_id",
    "payload.application_id",
    "payload.offer.application_id",
)

_STAFF = ("id", "name", "email", "employee_id")
_CANDIDATE = (
    "first_name",
    "last_name",
    "title",
    "company",
    "created_at",
    "external_id",
    "photo_url",
    "url",
    "is_private",
    "can_email",
    "tags.*",
    "custom_fields.**",
    "social_media_addresses.*.value",
    *(
        f"{kind}.*.{leaf}"
        for kind in ("phone_numbers", "email_addresses", "addresses", "website_addresses")
        for leaf in ("value", "type")
    ),
    *_under("attachments.*", ("filename", "url", "type")),
    *_under("educations.*", ("school_name", "degree", "discipline", "start_date", "end_date")),
    *_under("employments.*", ("company_name", "title", "start_date", "end_date")),
    "recruiter",
    "coordinator",
    *_under("recruiter", _STAFF),
    *_under("coordinator", _STAFF),
)
_PERSON = (
    "first_name",
    "last_name",
    "company",
    "title",
    "headline",
    "created_at",
    "is_private",
    "can_email",
    "recruiter_user_id",
    "coordinator_user_id",
)
_APPLICATION = (
    "status",
    "prospect",
    "applied_at",
    "created_at",
    "rejected_at",
    "last_activity_at",
    "url",
    "job_id",
    "source_id",
    "referrer_id",
    "rejected_by_user_id",
    "rejection_note_id",
    "candidate_rejection_reason_id",
    "custom_fields.**",
    "credited_to",
    *_under("credited_to", _STAFF),
    *_under("source", ("id", "name", "public_name")),
    "rejection_reason",
    *_under("rejection_reason", ("id", "name", "type.id", "type.name")),
    "rejection_details",
    "rejection_details.custom_fields.**",
    *_under("prospect_detail", ("prospect_pool", "prospect_stage", "prospect_owner")),
)
_STAGE = (
    "id",
    "name",
    *_under("interviews.*", ("id", "name", "status")),
    *_under("interviews.*.interviewers.*", ("id", "display_name", "status")),
    *_under("interviews.*.interview_kit", ("url", "content")),
    *_under("interviews.*.interview_kit.questions.*", ("id", "question")),
)
_JOB = (
    "id",
    "name",
    "requisition_id",
    "notes",
    "confidential",
    "job_post_id",
    "status",
    "url",
    "created_by_id",
    "created_at",
    "opened_at",
    "closed_at",
    "open_date",
    "close_date",
    "custom_fields.**",
    *_under("departments.*", ("id", "name", "external_id")),
    *_under("offices.*", ("id", "name", "location", "external_id")),
    *(
        f"hiring_team.{role}.*.{leaf}"
        for role in ("hiring_managers", "sourcers", "recruiters", "coordinators")
        for leaf in ("user_id", "employee_id")
    ),
)
_OFFER = (
    "id",
    "job_id",
    "user_id",
    "offering_user_id",
    "version",
    "created_at",
    "sent_on",
    "sent_at",
    "resolved_at",
    "start_date",
    "starts_at",
    "notes",
    "offer_status",
    "custom_fields.**",
)

IGNORED: dict[str, tuple[str, ...]] = {
    "about the person: read again with our own credential, never taken from a webhook": (
        *_under("payload.candidate", _CANDIDATE),
        *_under("payload.application.candidate", _CANDIDATE),
        *_under("payload.person", _PERSON),
    ),
    "the application's facts: read again": _under("payload.application", _APPLICATION),
    "the stage and its interviews: no deadline depends on them": (
        "payload.application.current_stage",
        *_under("payload.application.current_stage", _STAGE),
    ),
    "the job is read for its offices when it is needed": (
        *_under("payload.application.jobs.*", _JOB),
        *_under("payload.application.job", _JOB),
    ),
    "the offer is read again for its start date": (
        *_under("payload", _OFFER),
        *_under("payload.offer", _OFFER),
        *_under("payload.application.offer", _OFFER),
        "payload.application.opening.opening_id",
    ),
}
