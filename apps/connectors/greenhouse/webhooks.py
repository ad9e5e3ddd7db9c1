"""Greenhouse's webhooks: is it theirs, and whom does it speak of.

The signature is HMAC-SHA-256 over the body *as received*: Greenhouse escapes Unicode before
it signs, so a body that was parsed and written again has another signature. The header is
`Signature: sha256 <hex>`, the algorithm, a space, and the digest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from apps.connectors.greenhouse.fields import normalised
from apps.core.errors import Invalid, Refused

SIGNATURE_HEADER = "Signature"
DELIVERY_HEADER = "Greenhouse-Event-ID"
_SIGNATURE = re.compile(r"sha256 ([0-9a-f]{64})")
_DELIVERY = re.compile(r"[A-Za-z0-9._:-]{1,100}")

#: What an event means to us. `settings`: about jobs or offices, about no candidate.
Kind = Literal["anonymized", "gone", "changed", "settings"]

_KINDS: dict[Kind, tuple[str, ...]] = {
    "anonymized": ("candidate_anonymized",),
    # A merge removes the id as a deletion does, while the person lives on under another.
    "gone": ("delete_candidate", "merge_candidate"),
    "changed": (
        "application_updated",
        "candidate_stage_change",
        "delete_application",
        "hire_candidate",
        "interview_deleted",
        "new_candidate_application",
        "new_prospect_application",
        "offer_approved",
        "offer_created",
        "offer_deleted",
        "offer_updated",
        "reject_candidate",
        "scorecard_deleted",
        "unhire_candidate",
        "unreject_candidate",
        "update_candidate",
    ),
    "settings": (
        "department_deleted",
        "job_approved",
        "job_created",
        "job_deleted",
        "job_interview_stage_deleted",
        "job_post_created",
        "job_post_deleted",
        "job_post_updated",
        "job_updated",
        "office_deleted",
    ),
}
#: The 29 event types of the v3 document (webhook.event_action_type).
ACTIONS: Mapping[str, Kind] = {name: kind for kind, names in _KINDS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Event:
    """An event without anything personal but ids. `fields` are in the request's spelling."""

    action: str
    kind: Kind
    candidate_id: str = ""
    #: After a merge: the id under which the person lives on.
    survivor_id: str = ""
    application_ids: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    #: How many field names nobody documents; they confirm nothing.
    unknown_fields: int = 0


def signature(secret: str, body: bytes) -> str:
    """The header's value for this body."""
    return "sha256 " + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(secret: str, header: str, body: bytes) -> None:
    """Raises Refused unless the header signs exactly these bytes; compared in constant time."""
    well_formed = _SIGNATURE.fullmatch(header)
    expected = signature(secret, body)
    if not secret or not well_formed or not hmac.compare_digest(expected, header):
        raise Refused(
            "signature",
            _("The signature does not fit. Check that the webhook's secret key is the same here."),
            field=SIGNATURE_HEADER,
        )


def delivery(headers: Mapping[str, str]) -> str:
    """The vendor's id of this delivery; without one, the signature, which is a keyed digest."""
    found = {name.lower(): value for name, value in headers.items()}
    given = found.get(DELIVERY_HEADER.lower(), "")
    if _DELIVERY.fullmatch(given):
        return given
    return "signature:" + found.get(SIGNATURE_HEADER.lower(), "").removeprefix("sha256 ")


def parse(body: bytes) -> Event:
    """What the event says. Raises Invalid naming the place, for JSON that is not an event."""
    document = _document(body)
    action = document.get("action")
    kind = ACTIONS.get(action) if isinstance(action, str) else None
    if not isinstance(action, str) or kind is None:
        raise Invalid("webhook_action", _("This event type is not known."), field="action")
    if kind == "settings":
        return Event(action, kind)
    payload = document.get("payload")
    if not isinstance(payload, dict):
        raise Invalid("webhook_payload", _("The event has no payload."), field="payload")
    if kind == "anonymized":
        return _anonymized(action, payload)
    return _about_candidate(action, kind, payload)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Invalid("webhook_json", _("The body is not a JSON object."), field="body")
    return document


def _anonymized(action: str, payload: dict[str, Any]) -> Event:
    names = payload.get("anonymized_fields")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Invalid(
            "webhook_fields",
            _("The list of anonymized fields is missing."),
            field="payload.anonymized_fields",
        )
    known = {name: normalised(name) for name in names}
    return Event(
        action,
        "anonymized",
        candidate_id=_id(payload, "candidate_id", "payload.candidate_id"),
        fields=tuple(sorted({field for field in known.values() if field})),
        unknown_fields=sum(field is None for field in known.values()),
    )


def _about_candidate(action: str, kind: Kind, payload: dict[str, Any]) -> Event:
    person, application = _part(payload, "person"), _part(payload, "application")
    holders = (person, _part(payload, "candidate"), _part(application, "candidate"))
    candidate = next((_optional(part, "id") for part in holders if part), "")
    candidate = candidate or _optional(application, "candidate_id")
    if kind == "gone" and not candidate:
        raise _no_id("payload.person.id")
    return Event(
        action,
        kind,
        candidate_id=candidate,
        survivor_id=_optional(person, "new_candidate_id"),
        application_ids=_application_ids(payload, person, application),
    )


def _application_ids(
    payload: dict[str, Any], person: dict[str, Any], application: dict[str, Any]
) -> tuple[str, ...]:
    """Named as the application, as what an offer, an interview or a scorecard hangs on, or
    among those a deletion took along."""
    carriers = (payload, *(_part(payload, name) for name in ("offer", "interview", "scorecard")))
    named = [_optional(application, "id")]
    named += [_optional(part, "application_id") for part in carriers]
    deleted = person.get("deleted_application_ids")
    named += [str(item) for item in deleted if _is_id(item)] if isinstance(deleted, list) else []
    return tuple(dict.fromkeys(item for item in named if item))


def _part(holder: dict[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _optional(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return str(value) if _is_id(value) else ""


def _id(holder: dict[str, Any], name: str, place: str) -> str:
    value = _optional(holder, name)
    if not value:
        raise _no_id(place)
    return value


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _no_id(place: str) -> Invalid:
    return Invalid("webhook_id", _("The event names no candidate."), field=place)
