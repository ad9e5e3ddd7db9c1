"""Pure: from what an ATS says to the facts we keep. No ORM, no clock, no keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate
from apps.core import canonical


@dataclass(frozen=True, slots=True)
class LocalDate:
    """A legal date: local to the establishment, with how far it can be trusted."""

    on: date | None
    quality: str


def local(dated: Dated, zone: str) -> LocalDate:
    """The day an instant fell on at the establishment (HOUSE §5, Dates)."""
    if dated.at is None:
        return LocalDate(None, "missing")
    return LocalDate(dated.at.astimezone(ZoneInfo(zone)).date(), dated.quality)


def fingerprint(candidate: RemoteCandidate) -> str:
    """Everything we take in, in one spelling: equal fingerprints mean nothing changed.

    `updated_at` is left out: an ATS moves it for reasons of its own.
    """
    return canonical.dumps(
        {
            "name": [candidate.first_name, candidate.last_name],
            "emails": list(candidate.emails),
            "phones": list(candidate.phones),
            "collected": _dated(candidate.collected),
            "pool": candidate.talent_pool,
            "anonymized": candidate.anonymized,
            "applications": sorted(
                (_application(item) for item in candidate.applications), key=str
            ),
        }
    ).decode("ascii")


def _application(application: RemoteApplication) -> list[object]:
    return [
        application.remote_id,
        application.state,
        application.job,
        application.prospect,
        application.country,
        _dated(application.applied),
        _dated(application.closed),
        _dated(application.rejected_notified),
        _dated(application.hire_started),
    ]


def _dated(dated: Dated) -> list[object]:
    return [dated.at, dated.quality]


def is_clean(candidate: RemoteCandidate) -> bool:
    """Returned without personal data: still erased, whatever else it says."""
    return candidate.anonymized and not candidate.emails and not candidate.phones


def starts_new_life(candidate: RemoteCandidate, *, erased_on: date, zone: str) -> bool:
    """An application dated after the tombstone: the person applied again."""
    days = (local(item.applied, zone).on for item in candidate.applications)
    return any(day is not None and day > erased_on for day in days)
