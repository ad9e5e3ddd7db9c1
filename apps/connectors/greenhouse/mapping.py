"""Harvest v3 objects as plain values. Pure: no clock, no network, no settings.

Dates (HOUSE §5). Collection and application: `created_at`, exact at the first sight of it;
anonymizing can reset it, so callers keep what they saw first. End of the process:
`rejected_at`. The refusal told to the candidate: `rejected_at` too, approximate, as the mail
may have left later. Start of the hire: the accepted offer's `starts_on`, else missing.
Never `last_activity_at`, which recruiters move by opening a page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from apps.connectors.countries import of_location
from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse.fields import ANONYMIZED_NAME
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate, State

Json = Mapping[str, Any]

_STATES: dict[str, State] = {
    "in_process": "open",
    "active": "open",  # the filter's and the webhooks' word for it
    "rejected": "rejected",
    "hired": "hired",
    "converted": "converted",
}

#: Leaves of a v3 candidate and application that `candidate` and `application` take in.
MAPPED = (
    "candidate.id",
    "candidate.created_at",
    "candidate.updated_at",
    "candidate.first_name",
    "candidate.last_name",
    "candidate.email_addresses.*.value",
    "candidate.phone_numbers.*.value",
    "candidate.tags.*",
    "application.id",
    "application.candidate_id",
    "application.created_at",
    "application.rejected_at",
    "application.status",
    "application.prospect",
    "application.job_id",
    "application.stage_name",
)

#: Leaves that are read and not taken in, each with why. `export` compares all of them.
IGNORED: dict[str, tuple[str, ...]] = {
    "no deadline depends on it, so it is not copied": (
        "candidate.preferred_name",
        "candidate.company",
        "candidate.title",
        "candidate.private",
        "candidate.can_email",
        "candidate.time_zone",
        "candidate.linked_user_ids.*",
        "candidate.email_addresses.*.type",
        "candidate.phone_numbers.*.type",
        "candidate.addresses.**",
        "candidate.website_addresses.**",
        "candidate.social_media_addresses.**",
        "candidate.custom_fields.**",
        "application.answers.**",
        "application.custom_fields.**",
        "application.location_address",
        "application.agency_note_id",
        "application.coordinator_id",
        "application.recruiter_id",
        "application.referrer_id",
        "application.source_id",
        "application.needs_decision",
        "application.stage_id",
        "application.job_post_id",
        "application.prospective_job_ids.*",
    ),
    "moved by looking at a page: not a date of contact": (
        "candidate.last_activity_at",
        "application.last_activity_at",
    ),
    "the candidate's own updated_at orders the reading": ("application.updated_at",),
    "what a deletion answers proves nothing: the read-back does": ("message",),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What a candidate's own objects do not say."""

    #: Offers by application id.
    offers: Mapping[int, Sequence[Json]] = field(default_factory=dict)
    #: ISO country by job id, where the job's offices agree on one.
    countries: Mapping[int, str] = field(default_factory=dict)
    #: The name of the reason by rejected application.
    reasons: Mapping[int, str] = field(default_factory=dict)
    #: Folded tags that mark the talent pool.
    pool_tags: Collection[str] = frozenset()


def candidate(row: Json, applications: Iterable[Json], around: Around) -> RemoteCandidate:
    """Raises ConnectorError(malformed) when an id or `updated_at` is not there."""
    remote_id = identifier(row, "id")
    updated_at = instant(row.get("updated_at"))
    if updated_at is None:
        raise ConnectorError("malformed")
    emails, phones = _values(row, "email_addresses"), _values(row, "phone_numbers")
    unnamed = is_anonymized_name(row)
    tags = {str(tag).strip().casefold() for tag in row.get("tags") or ()}
    return RemoteCandidate(
        remote_id=remote_id,
        updated_at=updated_at,
        first_name="" if unnamed else str(row.get("first_name") or ""),
        last_name="" if unnamed else str(row.get("last_name") or ""),
        emails=emails,
        phones=phones,
        applications=tuple(application(item, around) for item in applications),
        collected=exact(row.get("created_at")),
        talent_pool=not tags.isdisjoint(around.pool_tags),
        anonymized=unnamed and not emails and not phones,
    )


def application(row: Json, around: Around) -> RemoteApplication:
    """Raises ConnectorError(malformed) when the id is not there."""
    number = int(identifier(row, "id"))
    state = _STATES.get(str(row.get("status")), "unknown")
    # A status that only the connection's mapping knows may be an end too.
    closed = exact(row.get("rejected_at")) if state in {"rejected", "unknown"} else Dated()
    job = row.get("job_id")
    return RemoteApplication(
        remote_id=str(number),
        state=state,
        job=None if job is None else str(job),
        prospect=bool(row.get("prospect")),
        status=_word(row.get("status")),
        stage=_word(row.get("stage_name")),
        reason=_word(around.reasons.get(number)) if state == "rejected" else "",
        country=None if job is None else around.countries.get(int(job)),
        applied=exact(row.get("created_at")),
        closed=closed,
        rejected_notified=Dated(closed.at, "approximate") if closed.at else Dated(),
        hire_started=_hire(around.offers.get(number, ())) if state == "hired" else Dated(),
    )


def reasons(details: Iterable[Json], names: Iterable[Json]) -> dict[int, str]:
    """The name of the reason by application; one that names none, or an unknown one, is absent."""
    named = {row.get("id"): row.get("name") for row in names}
    told = ((row.get("application_id"), row.get("rejection_reason_id")) for row in details)
    return {int(of): str(named[why]) for of, why in told if of is not None and named.get(why)}


def is_anonymized_name(row: Json) -> bool:
    """“full_name” leaves the first name “Anonymized” and the candidate's id as the last."""
    return row.get("first_name") == ANONYMIZED_NAME and str(row.get("last_name")) == str(
        row.get("id")
    )


def job_countries(jobs: Iterable[Json], offices: Iterable[Json]) -> dict[int, str]:
    """The country of each job whose offices all lie in one; a job between two says nothing."""
    located = {row["id"]: of_location(row.get("location")) for row in offices}
    found = {}
    for job in jobs:
        countries = {located.get(office) for office in job.get("office_ids") or ()}
        if len(countries) == 1 and (only := countries.pop()) is not None:
            found[int(job["id"])] = only
    return found


def identifier(row: Json, name: str) -> str:
    """An integer id as text. Raises ConnectorError(malformed)."""
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConnectorError("malformed")
    return str(value)


def exact(value: object) -> Dated:
    at = instant(value)
    return Dated(at, "exact") if at else Dated()


def instant(value: object) -> datetime | None:
    """An RFC 3339 instant in UTC; None for what is not one."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None


def noon(value: object) -> Dated:
    """A date without a time, as noon UTC: the same local date from UTC−12 to UTC+11."""
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return Dated()
    return Dated(datetime.combine(day, time(12), UTC), "exact")


def _word(value: object) -> str:
    return str(value or "").strip()


def _hire(offers: Sequence[Json]) -> Dated:
    """The start of the newest accepted offer."""
    accepted = [row for row in offers if row.get("status") == "Accepted"]
    newest = max(accepted, key=lambda row: row.get("version") or 0, default=None)
    return noon(newest.get("starts_on")) if newest else Dated()


def _values(row: Json, name: str) -> tuple[str, ...]:
    values = (str(item.get("value") or "").strip() for item in row.get(name) or ())
    return tuple(value for value in values if value)
