"""What an account says once for all its candidates: the countries of its jobs' offices, the names
of its reasons. Not personal, so it is kept for a while in the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from apps.connectors.greenhouse.api import Api, Json
from apps.connectors.greenhouse.mapping import job_countries

#: Seconds after which offices and jobs are read again: a job may be moved to another country.
LIFETIME = 600.0


@dataclass(slots=True)
class _Kept:
    until: float
    offices: list[Json] | None = None
    reasons: list[Json] | None = None
    #: None: read, and its offices name no country or several.
    countries: dict[int, str | None] = field(default_factory=dict)


_kept: dict[tuple[str, str], _Kept] = {}
_lock = threading.Lock()


def countries(api: Api, job_ids: Iterable[int]) -> dict[int, str]:
    """ISO country by job id; a job whose offices say nothing is absent.

    Raises ConnectorError when jobs or offices may not be read: the connection's own country
    would apply another law to them, and nobody would see it.
    """
    kept = _current(api)
    wanted = set(job_ids)
    missing = wanted - kept.countries.keys()
    if missing:
        kept.countries.update(_read(api, kept, missing))
    found = ((job, kept.countries.get(job)) for job in wanted)
    return {job: country for job, country in found if country}


def reasons(api: Api) -> list[Json]:
    """Every rejection reason of the account, with its id and its name."""
    kept = _current(api)
    if kept.reasons is None:
        kept.reasons = api.every("rejection_reasons")
    return kept.reasons


def _current(api: Api) -> _Kept:
    place = (api.base_url, api.credential.client_id)
    with _lock:
        kept = _kept.get(place)
        if kept is None or time.monotonic() >= kept.until:
            kept = _kept[place] = _Kept(time.monotonic() + LIFETIME)
        return kept


def _read(api: Api, kept: _Kept, job_ids: Collection[int]) -> dict[int, str | None]:
    if kept.offices is None:
        kept.offices = api.every("offices")
    jobs = api.by_ids("jobs", "ids", [str(job) for job in sorted(job_ids)])
    known = job_countries(jobs, kept.offices)
    return {job: known.get(job) for job in job_ids}
