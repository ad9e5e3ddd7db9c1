"""What recruiters do in the ATS meanwhile, at the control plane's word, with its events.

A change of an application moves its own updated_at and the last_activity_at of both, not
the candidate's updated_at: whether the vendor moves that is undocumented, and this is the
harsher reading for whoever follows changes.
"""

from . import dossier, payloads
from .answers import Unprocessable
from .config import Config
from .hooks import Queue
from .instants import now
from .people import MAX_PEOPLE
from .portfolio import case
from .state import Json, State
from .writes import not_found

_CANDIDATE: Json = {
    "first_name": None,
    "last_name": None,
    "preferred_name": None,
    "company": None,
    "title": None,
    "private": False,
    "can_email": True,
    "time_zone": None,
    "tags": [],
    "linked_user_ids": [],
    "phone_numbers": [],
    "addresses": [],
    "email_addresses": [],
    "website_addresses": [],
    "social_media_addresses": [],
    "custom_fields": {},
}
_APPLICATION: Json = {
    "agency_note_id": None,
    "coordinator_id": None,
    "job_id": None,
    "job_post_id": None,
    "recruiter_id": None,
    "referrer_id": None,
    "source_id": None,
    "stage_id": None,
    "stage_name": None,
    "status": "in_process",
    "needs_decision": False,
    "prospect": False,
    "rejected_at": None,
    "location_address": None,
    "answers": [],
    "prospective_job_ids": [],
    "custom_fields": {},
}
_DETAIL: Json = {
    "rejected_by_id": None,
    "rejection_note_id": None,
    "rejection_reason_id": None,
    "question_custom_fields": {},
}


def _times(**fields: object) -> Json:
    return {"created_at": now(), "updated_at": now(), "last_activity_at": now(), **fields}


def _send(state: State, queue: Queue, action: str, application: Json, *, silent: bool) -> None:
    if silent:
        return
    body = {"application": payloads.application_body(state, application)}
    if action == "hire_candidate":
        body["application"]["offer"] = payloads.offer_body(state, application["id"])
    queue.add(action, body, candidate_id=application["candidate_id"])


def _new_action(application: Json) -> str:
    return "new_prospect_application" if application["prospect"] else "new_candidate_application"


def add_candidate(state: State, queue: Queue, body: Json) -> Json:
    """`{candidate: {…}, applications: [{…}], <kind>s: [{…}], silent}`; answers with the ids.

    Other rows are given by kind in the plural: `notes`, `attachments`, `offers` and so on.
    """
    rest = dict(body)
    silent = bool(rest.pop("silent", False))
    candidate = _CANDIDATE | _times(id=state.new_id()) | rest.pop("candidate", {})
    with state.transaction():
        state.put("candidate", candidate)
        wanted = rest.pop("applications", [])
        added = [
            _application(state, queue, spec | {"candidate_id": candidate["id"]}, silent=silent)
            for spec in wanted
        ]
        for plural, docs in rest.items():
            for doc in docs:
                owner = {"candidate_id": candidate["id"], "id": state.new_id()}
                state.put(plural.removesuffix("s"), _times() | owner | doc)
    return {"id": candidate["id"], "application_ids": [doc["id"] for doc in added]}


def invent(state: State, queue: Queue, config: Config, body: Json) -> Json:
    """`{index, kind, seed}`: the portfolio's candidate of that index arrives now."""
    index = int(body["index"])
    if not 0 <= index < MAX_PEOPLE:
        raise Unprocessable({"index": f"must be less than {MAX_PEOPLE}"})
    seed = int(body.get("seed", config.seed))
    try:
        chosen = case(seed, index, config.today, kind=body.get("kind"))
    except KeyError:
        raise Unprocessable({"kind": "is no kind of the portfolio"}) from None
    if state.get("candidate", chosen.remote_id) is not None:
        raise Unprocessable({"index": "is already there"})
    with state.transaction():
        for kind, doc in dossier.rows(seed, chosen, config.today):
            state.put(kind, doc)
        for doc in state.of_candidate("application", chosen.remote_id):
            _send(state, queue, _new_action(doc), doc, silent=bool(body.get("silent")))
    return {"id": chosen.remote_id, "application_ids": list(chosen.application_ids)}


def add_application(state: State, queue: Queue, body: Json) -> Json:
    """`{candidate_id, …fields, silent}`; answers with the application."""
    spec = dict(body)
    silent = bool(spec.pop("silent", False))
    candidate = state.get("candidate", int(spec.get("candidate_id", 0)))
    if candidate is None:
        raise not_found("Candidate")
    return _application(state, queue, spec, silent=silent)


def _application(state: State, queue: Queue, spec: Json, *, silent: bool) -> Json:
    with state.transaction():
        doc = _APPLICATION | _times(id=state.new_id()) | spec
        state.put("application", doc)
        _detail(state, doc)
        _moved(state, doc["candidate_id"])
        _send(state, queue, _new_action(doc), doc, silent=silent)
    return doc


def _moved(state: State, candidate_id: int) -> None:
    candidate = state.get("candidate", candidate_id)
    if candidate is not None:
        state.put("candidate", candidate | {"last_activity_at": now()})


def _detail(state: State, application: Json) -> None:
    """A rejected application has exactly one rejection detail, another one has none."""
    for doc in state.of_applications("rejection_detail", [application["id"]]):
        state.drop("rejection_detail", doc["id"])
    if application["status"] == "rejected":
        row = _DETAIL | _times(
            id=state.new_id(),
            application_id=application["id"],
            rejected_at=application["rejected_at"],
        )
        row.pop("last_activity_at")
        state.put("rejection_detail", row)


def _action(before: Json, after: Json) -> str:
    """The event that tells this change."""
    if before["status"] != after["status"]:
        entered = {"rejected": "reject_candidate", "hired": "hire_candidate"}
        left = {"rejected": "unreject_candidate", "hired": "unhire_candidate"}
        told = entered.get(after["status"]) or left.get(before["status"])
        return told or "application_updated"
    moved = before["stage_id"] != after["stage_id"]
    return "candidate_stage_change" if moved else "application_updated"


def alter_application(state: State, queue: Queue, body: Json) -> Json:
    """`{id, …fields, silent}`; rejecting without a date is rejecting now."""
    fields = dict(body)
    silent = bool(fields.pop("silent", False))
    before = state.get("application", int(fields["id"]))
    if before is None:
        raise not_found("Application")
    if fields.get("status") == "rejected" and "rejected_at" not in fields:
        fields["rejected_at"] = now()
    if fields.get("status") == "in_process":
        fields.setdefault("rejected_at", None)
    with state.transaction():
        after = before | {"updated_at": now(), "last_activity_at": now()} | fields
        state.put("application", after)
        if before["status"] != after["status"]:
            _detail(state, after)
        _moved(state, after["candidate_id"])
        _send(state, queue, _action(before, after), after, silent=silent)
    return after
