"""Pure: from what an ATS says to the facts we keep. No ORM, no clock, no keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate
from apps.core import canonical

#: Characters kept of a word that an ATS says of a stage.
WORD = 200


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
        *words(application),
        _dated(application.applied),
        _dated(application.closed),
        _dated(application.rejected_notified),
        _dated(application.hire_started),
    ]


def words(application: RemoteApplication) -> tuple[str, str, str]:
    """Status, stage and reason as the ATS says them, for the connection's mapping."""
    said = (application.status, application.stage, application.reason)
    status, stage, reason = (word.replace("\0", "")[:WORD] for word in said)
    return status, stage, reason


def _dated(dated: Dated) -> list[object]:
    return [dated.at, dated.quality]


def is_clean(candidate: RemoteCandidate) -> bool:
    """Returned without personal data: still erased, whatever else it says."""
    return candidate.anonymized and not candidate.emails and not candidate.phones


def starts_new_life(candidate: RemoteCandidate, *, erased_on: date, zone: str) -> bool:
    """An application dated after the tombstone: the person applied again.

    Neither side is an instant: a tombstone may be any moment of its UTC day, and a date an ATS
    gives without a time any moment of a local one. Where the two may overlap the application
    counts as the later. The other error would erase somebody who has just applied, which
    nothing undoes; this one keeps data that came back until their ordinary deadline.
    """
    earliest = datetime.combine(erased_on, time(), UTC).astimezone(ZoneInfo(zone)).date()
    days = (local(item.applied, zone).on for item in candidate.applications)
    return any(day is not None and day >= earliest for day in days)
