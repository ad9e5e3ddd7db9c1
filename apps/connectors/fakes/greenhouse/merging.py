"""One person under two ids: the secondary id vanishes, its rows go on under the primary."""

from . import instants
from .answers import Refusal, Unprocessable
from .catalogue import HIDDEN_KINDS
from .state import Json, State

_MOVED = (
    "application",
    "attachment",
    "note",
    "offer",
    "education",
    "employment",
    "applied_candidate_tag",
    *HIDDEN_KINDS,
)
_JOINED = (
    "email_addresses",
    "phone_numbers",
    "addresses",
    "website_addresses",
    "social_media_addresses",
    "tags",
    "linked_user_ids",
)


def _joined(primary: Json, secondary: Json) -> Json:
    """The primary's own values first; what only the secondary knew is added."""
    lists = {
        name: primary[name] + [item for item in secondary[name] if item not in primary[name]]
        for name in _JOINED
    }
    return primary | lists | {"updated_at": instants.now(), "last_activity_at": instants.now()}


def merge(state: State, primary_id: int, secondary_id: int) -> tuple[Json, Json]:
    """The primary as it is now and the secondary as it was.

    Raises Refusal(404) when either is unknown, Unprocessable for a candidate into itself.
    """
    if primary_id == secondary_id:
        raise Unprocessable({"secondary_candidate_id": "must differ from the primary"})
    with state.transaction():
        primary, secondary = (
            state.get("candidate", primary_id),
            state.get("candidate", secondary_id),
        )
        if primary is None or secondary is None:
            raise Refusal(404, "Candidate not found.", message="Not Found")
        for kind in _MOVED:
            for doc in state.of_candidate(kind, secondary_id):
                state.put(kind, doc | {"candidate_id": primary_id, "updated_at": instants.now()})
        state.drop("candidate", secondary_id)
        state.execute("INSERT OR REPLACE INTO merged VALUES (?,?)", (secondary_id, primary_id))
        return state.put("candidate", _joined(primary, secondary)), secondary
