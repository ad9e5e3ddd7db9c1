"""The bodies of webhook events, in the vocabulary the vendor's webhooks still use (v1).

Nested where v3 lists are flat: an application event carries the candidate and the jobs.
"""

from .erasing import application_ids
from .state import Json, State

_APPLICATION_STATUS = {"in_process": "active"}


def _named(state: State, kind: str, id_: int | None) -> Json | None:
    doc = state.get(kind, id_) if id_ else None
    return doc and {"id": doc["id"], "name": doc["name"]}


def _user(state: State, id_: int | None) -> Json | None:
    doc = state.get("user", id_) if id_ else None
    if doc is None:
        return None
    return {
        "id": doc["id"],
        "email": doc["primary_email"],
        "name": doc["name"],
        "employee_id": doc["employee_id"],
    }


def _profile(state: State, candidate_id: int) -> Json:
    profiles = state.of_candidate("profile", candidate_id)
    return profiles[0] if profiles else {}


def _attachments(state: State, candidate_id: int) -> list[Json]:
    docs = state.of_candidate("attachment", candidate_id)
    # The event's links are signed elsewhere and die early: none is given that works.
    return [{"filename": doc["filename"], "url": "", "type": doc["type"]} for doc in docs]


def _educations(state: State, candidate_id: int) -> list[Json]:
    return [
        {
            "school_name": None,
            "degree": None,
            "discipline": None,
            "start_date": doc["start_at"],
            "end_date": doc["end_at"],
        }
        for doc in state.of_candidate("education", candidate_id)
    ]


def _employments(state: State, candidate_id: int) -> list[Json]:
    names = ("company_name", "title", "start_date", "end_date")
    docs = state.of_candidate("employment", candidate_id)
    return [{name: doc[name] for name in names} for doc in docs]


_CONTACTS = (
    "phone_numbers",
    "email_addresses",
    "addresses",
    "website_addresses",
    "social_media_addresses",
)


def candidate_body(state: State, doc: Json) -> Json:
    id_ = doc["id"]
    return {
        "id": id_,
        "first_name": doc["first_name"],
        "last_name": doc["last_name"],
        "title": doc["title"],
        "company": doc["company"],
        "created_at": doc["created_at"],
        "external_id": None,
        "photo_url": None,
        "url": f"https://app.greenhouse.invalid/people/{id_}",
        "is_private": doc["private"],
        "can_email": doc["can_email"],
        **{name: doc[name] for name in _CONTACTS},
        "educations": _educations(state, id_),
        "employments": _employments(state, id_),
        "recruiter": None,
        "coordinator": None,
        "attachments": _attachments(state, id_),
        "tags": doc["tags"],
        "custom_fields": doc["custom_fields"],
    }


def _jobs(state: State, job_id: int | None) -> list[Json]:
    job = state.get("job", job_id) if job_id else None
    if job is None:
        return []
    offices = [state.get("office", id_) or {} for id_ in job["office_ids"]]
    return [
        {
            "id": job["id"],
            "name": job["name"],
            "requisition_id": job["requisition_id"],
            "notes": None,
            "confidential": job["confidential"],
            "status": job["status"],
            "opened_at": job["opened_at"],
            "closed_at": job["closed_at"],
            "departments": [],
            "offices": [
                {"id": o.get("id"), "name": o.get("name"), "location": o.get("location")}
                for o in offices
            ],
            "custom_fields": {},
        }
    ]


def _rejection(state: State, application_id: int) -> tuple[Json | None, Json | None]:
    details = state.of_applications("rejection_detail", [application_id])
    if not details:
        return None, None
    reason = _named(state, "rejection_reason", details[0]["rejection_reason_id"])
    return reason, {"custom_fields": details[0]["question_custom_fields"]}


def application_body(state: State, doc: Json, *, with_jobs: bool = True) -> Json:
    candidate = state.get("candidate", doc["candidate_id"])
    reason, details = _rejection(state, doc["id"])
    body = {
        "id": doc["id"],
        "rejected_at": doc["rejected_at"],
        "prospect": doc["prospect"],
        "status": _APPLICATION_STATUS.get(doc["status"], doc["status"]),
        "applied_at": doc["created_at"],
        "last_activity_at": doc["last_activity_at"],
        "url": f"https://app.greenhouse.invalid/people/{doc['candidate_id']}",
        "source": _named(state, "source", doc["source_id"]),
        "credited_to": _user(state, doc["referrer_id"]),
        "rejection_reason": reason,
        "rejection_details": details,
        "current_stage": {"id": doc["stage_id"], "name": doc["stage_name"], "interviews": []},
        "custom_fields": doc["custom_fields"],
        "candidate": candidate and candidate_body(state, candidate),
    }
    return body | ({"jobs": _jobs(state, doc["job_id"])} if with_jobs else {})


def person_body(state: State, doc: Json) -> Json:
    """The short form which deletion and merge carry."""
    return {
        "id": doc["id"],
        "first_name": doc["first_name"],
        "last_name": doc["last_name"],
        "company": doc["company"],
        "title": doc["title"],
        "created_at": doc["created_at"],
        "headline": _profile(state, doc["id"]).get("headline"),
        "is_private": doc["private"],
        "recruiter_user_id": None,
        "coordinator_user_id": None,
        "can_email": doc["can_email"],
    }


def deletion_body(state: State, doc: Json) -> Json:
    ids = application_ids(state, doc["id"])
    return {"person": person_body(state, doc) | {"deleted_application_ids": ids}}


def merge_body(state: State, secondary: Json, primary_id: int) -> Json:
    return {"person": person_body(state, secondary) | {"new_candidate_id": primary_id}}


def application_deletion_body(state: State, doc: Json) -> Json:
    details = state.of_applications("rejection_detail", [doc["id"]])
    detail = details[0] if details else {}
    return {
        "application": {
            "id": doc["id"],
            "candidate_id": doc["candidate_id"],
            "job_id": doc["job_id"],
            "created_at": doc["created_at"],
            "source_id": doc["source_id"],
            "candidate_rejection_reason_id": detail.get("rejection_reason_id"),
            "rejection_note_id": detail.get("rejection_note_id"),
            "rejected_at": doc["rejected_at"],
            "referrer_id": doc["referrer_id"],
            "prospect": doc["prospect"],
            "rejected_by_user_id": detail.get("rejected_by_id"),
        }
    }


def offer_body(state: State, application_id: int) -> Json | None:
    """The newest version of the application's offer, as `hire_candidate` carries it."""
    offers = state.of_applications("offer", [application_id])
    if not offers:
        return None
    doc = offers[-1]
    return {
        "id": doc["id"],
        "version": doc["version"],
        "created_at": doc["created_at"],
        "sent_at": doc["sent_on"],
        "resolved_at": doc["resolved_at"],
        "starts_at": doc["starts_on"],
        "custom_fields": doc["custom_fields"],
    }
