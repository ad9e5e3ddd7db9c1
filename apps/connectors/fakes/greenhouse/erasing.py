"""What each of the 44 names that `anonymize` takes really destroys.

Irreversible, as at the vendor, and literal: only what is named goes. `emails` is the record
of sent mail while `email_addresses` are the addresses; `full_name` leaves "Anonymized" and
the id; `candidate_stage_data` sets the application's created_at to now and returns it to
its first stage; `offers` keeps the fact that there was one, `all_offer_versions` does not.
Source: the v1 documentation of "Anonymize Candidate" and of its webhook.
"""

from collections.abc import Callable, Iterable
from functools import partial

from . import instants
from .catalogue import ANONYMIZABLE, HIDDEN_KINDS
from .state import Json, State

Effect = Callable[[State, int], None]


def _touch(state: State, kind: str, doc: Json) -> None:
    state.put(kind, doc | {"updated_at": instants.now()})


def _candidate(state: State, candidate_id: int, changes: Json) -> None:
    doc = state.get("candidate", candidate_id)
    if doc is not None:
        _touch(state, "candidate", doc | changes)


def _empty(field: str, state: State, candidate_id: int) -> None:
    _candidate(state, candidate_id, {field: []})


def _blank(field: str, state: State, candidate_id: int) -> None:
    _candidate(state, candidate_id, {field: None})


def _full_name(state: State, candidate_id: int) -> None:
    names = {"first_name": "Anonymized", "last_name": str(candidate_id), "preferred_name": None}
    _candidate(state, candidate_id, names)


def _tags(state: State, candidate_id: int) -> None:
    _empty("tags", state, candidate_id)
    _drop(("applied_candidate_tag",), state, candidate_id)


def _without_values(fields: Json | None) -> Json:
    return {key: field | {"value": None} for key, field in (fields or {}).items()}


def _custom_candidate_fields(state: State, candidate_id: int) -> None:
    doc = state.get("candidate", candidate_id)
    if doc is not None:
        _touch(state, "candidate", doc | {"custom_fields": _without_values(doc["custom_fields"])})


def _applications(changes: Json, state: State, candidate_id: int) -> None:
    for doc in state.of_candidate("application", candidate_id):
        _touch(state, "application", doc | changes)


def _custom_application_fields(state: State, candidate_id: int) -> None:
    for doc in state.of_candidate("application", candidate_id):
        fields = _without_values(doc["custom_fields"])
        _touch(state, "application", doc | {"custom_fields": fields})


def _stage_data(state: State, candidate_id: int) -> None:
    for doc in state.of_candidate("application", candidate_id):
        first = _first_stage(state, doc["job_id"])
        _touch(state, "application", doc | first | {"created_at": instants.now()})


def _first_stage(state: State, job_id: int | None) -> Json:
    row = state.one(
        "SELECT id, json_extract(doc, '$.name') AS name FROM entity"
        " WHERE kind='job_interview_stage' AND job_id=? ORDER BY id LIMIT 1",
        (job_id,),
    )
    return {"stage_id": row["id"], "stage_name": row["name"]} if row else {}


def application_ids(state: State, candidate_id: int) -> list[int]:
    return [doc["id"] for doc in state.of_candidate("application", candidate_id)]


def _children(state: State, kind: str, candidate_id: int) -> list[Json]:
    """Rows which the document ties to an application only, not to the candidate."""
    return state.of_applications(kind, application_ids(state, candidate_id))


def _drop(kinds: Iterable[str], state: State, candidate_id: int) -> None:
    for kind in kinds:
        for doc in state.of_candidate(kind, candidate_id) or _children(state, kind, candidate_id):
            state.drop(kind, doc["id"])


def _change_children(kind: str, changes: Json, state: State, candidate_id: int) -> None:
    for doc in _children(state, kind, candidate_id):
        _touch(state, kind, doc | changes)


def _rejection_note_ids(state: State, candidate_id: int) -> set[int]:
    details = _children(state, "rejection_detail", candidate_id)
    return {doc["rejection_note_id"] for doc in details if doc["rejection_note_id"]}


def _notes(state: State, candidate_id: int) -> None:
    kept = _rejection_note_ids(state, candidate_id)
    for doc in state.of_candidate("note", candidate_id):
        if doc["id"] not in kept:
            state.drop("note", doc["id"])


def _rejection_notes(state: State, candidate_id: int) -> None:
    for note_id in _rejection_note_ids(state, candidate_id):
        state.drop("note", note_id)
    _change_children("rejection_detail", {"rejection_note_id": None}, state, candidate_id)


def _rejection_questions(state: State, candidate_id: int) -> None:
    for doc in _children(state, "rejection_detail", candidate_id):
        fields = _without_values(doc["question_custom_fields"])
        _touch(state, "rejection_detail", doc | {"question_custom_fields": fields})


def _offers(state: State, candidate_id: int) -> None:
    for doc in state.of_candidate("offer", candidate_id):
        emptied = {"custom_fields": _without_values(doc["custom_fields"]), "starts_on": None}
        _touch(state, "offer", doc | emptied)


def _profile(field: str, state: State, candidate_id: int) -> None:
    for doc in state.of_candidate("profile", candidate_id):
        state.put("profile", doc | {field: None})


def _credited_to(state: State, candidate_id: int) -> None:
    _applications({"referrer_id": None}, state, candidate_id)
    _profile("credited_to", state, candidate_id)


_prospects = partial(_change_children, "prospect_detail")

EFFECTS: dict[str, Effect] = {
    "full_name": _full_name,
    "current_company": partial(_blank, "company"),
    "current_title": partial(_blank, "title"),
    "tags": _tags,
    "phone_numbers": partial(_empty, "phone_numbers"),
    "emails": partial(_drop, ("sent_email",)),
    "social_media_links": partial(_empty, "social_media_addresses"),
    "websites": partial(_empty, "website_addresses"),
    "addresses": partial(_empty, "addresses"),
    "location": partial(_applications, {"location_address": None}),
    "custom_candidate_fields": _custom_candidate_fields,
    "source": partial(_applications, {"source_id": None}),
    "recruiter": partial(_applications, {"recruiter_id": None}),
    "coordinator": partial(_applications, {"coordinator_id": None}),
    "attachments": partial(_drop, ("attachment", "file")),
    "application_questions": partial(_applications, {"answers": []}),
    "referral_questions": partial(_drop, ("referral_answer",)),
    "notes": _notes,
    "rejection_notes": _rejection_notes,
    "email_addresses": partial(_empty, "email_addresses"),
    "activity_items": partial(_drop, ("activity_item",)),
    "innotes": partial(_drop, ("innote",)),
    "inmails": partial(_drop, ("inmail",)),
    "rejection_reason": partial(
        _change_children, "rejection_detail", {"rejection_reason_id": None}
    ),
    "scorecards_and_interviews": partial(_drop, ("scorecard", "interview")),
    "offers": _offers,
    "credited_to": _credited_to,
    "headline": partial(_profile, "headline"),
    "all_offer_versions": partial(_drop, ("offer",)),
    "follow_up_reminders": partial(_drop, ("follow_up_reminder",)),
    "custom_application_fields": _custom_application_fields,
    "education": partial(_drop, ("education",)),
    "employment": partial(_drop, ("employment",)),
    "candidate_stage_data": _stage_data,
    "prospect_owner": partial(_prospects, {"prospect_owner_id": None}),
    "custom_rejection_question_fields": _rejection_questions,
    "touchpoints": partial(_drop, ("touchpoint",)),
    "prospect_pool_and_stage": partial(_prospects, {"pool_id": None, "pool_stage_id": None}),
    "prospect_jobs": partial(_applications, {"prospective_job_ids": []}),
    "prospect_offices": partial(_prospects, {"office_id": None}),
    "prospect_offices_and_departments": partial(
        _prospects, {"office_id": None, "department_id": None}
    ),
    "match_score_reasoning": partial(_drop, ("match_score",)),
    "identity_verification": partial(_drop, ("identity_verification",)),
    "third_party_integrations": partial(_drop, ("integration",)),
}


def in_order(fields: Iterable[str]) -> list[str]:
    """Once each, and `rejection_notes` before what unlinks them; names checked elsewhere."""
    wanted = dict.fromkeys(fields)
    return sorted(wanted, key=ANONYMIZABLE.index)


def anonymize(state: State, candidate_id: int, fields: Iterable[str]) -> None:
    """Destroy these fields; the candidate's and the touched rows' updated_at move."""
    with state.transaction():
        for field in in_order(fields):
            EFFECTS[field](state, candidate_id)
        _candidate(state, candidate_id, {})


def delete_application(state: State, application: Json) -> None:
    """The application and all that hangs on it."""
    with state.transaction():
        for kind in _OF_APPLICATION:
            for doc in state.of_applications(kind, [application["id"]]):
                state.drop(kind, doc["id"])
        state.drop("application", application["id"])


def delete_candidate(state: State, candidate_id: int) -> list[int]:
    """The candidate and every row about them; the ids of their applications."""
    ids = application_ids(state, candidate_id)
    with state.transaction():
        for application in state.of_candidate("application", candidate_id):
            delete_application(state, application)
        _drop(_OF_CANDIDATE, state, candidate_id)
        state.drop("candidate", candidate_id)
    return ids


_OF_APPLICATION = (
    "attachment",
    "file",
    "note",
    "rejection_detail",
    "scorecard",
    "interview",
    "offer",
    "prospect_detail",
)
_OF_CANDIDATE = (
    "attachment",
    "note",
    "offer",
    "education",
    "employment",
    "applied_candidate_tag",
    *HIDDEN_KINDS,
)
