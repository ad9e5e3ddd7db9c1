"""The lines of one person as one candidate. Pure, and the same for the same lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from apps.connectors.csv_import.values import Status, dated
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate, State

#: The values of a line by field, and a line with its number.
Values = Mapping[str, Any]
Line = tuple[int, Values]

_NEVER = datetime.combine(date(1970, 1, 1), time(), UTC)
_ENDED: frozenset[State] = frozenset({"rejected", "withdrawn"})
#: A line with one of these is about an application; without, about the person only.
_OF_APPLICATION = ("application_id", "job", "status", "stage", "applied_on", "closed_on")


def candidate(key: str, lines: Sequence[Line], country: str) -> RemoteCandidate:
    """`country` is that of the establishment where a line names none; empty is unknown."""
    found = [values for _number, values in lines]
    collected = min((day for values in found if (day := values.get("collected_on"))), default=None)
    applications = [_application(key, values, country) for values in found if _applies(values)]
    return RemoteCandidate(
        remote_id=key,
        updated_at=_latest(applications, dated(collected)),
        first_name=_first(found, "first_name"),
        last_name=_first(found, "last_name"),
        emails=_all(found, "email"),
        phones=_all(found, "phone"),
        applications=tuple({item.remote_id: item for item in applications}.values()),
        collected=dated(collected),
        talent_pool=any(values.get("talent_pool") for values in found),
    )


def is_undated(application: RemoteApplication) -> bool:
    """Ended, nobody says when: no deadline can be worked out."""
    return application.state in _ENDED and application.closed.at is None


def _applies(values: Values) -> bool:
    return any(values.get(name) not in (None, "") for name in _OF_APPLICATION)


def _application(key: str, values: Values, country: str) -> RemoteApplication:
    status: Status | None = values.get("status")
    state: State = status.state if status else "unknown"
    applied = dated(values.get("applied_on"))
    closed = dated(values.get("closed_on"))
    return RemoteApplication(
        remote_id=values.get("application_id") or _made_up_id(key, values),
        state=state,
        job=values.get("job") or None,
        status=status.word if status else "",
        stage=values.get("stage") or "",
        country=values.get("country") or country or None,
        applied=applied,
        closed=closed,
        rejected_notified=_notified(state, dated(values.get("notified_on")), closed),
        hire_started=dated(values.get("hired_on")) if state == "hired" else Dated(),
    )


def _notified(state: State, told: Dated, closed: Dated) -> Dated:
    """The day the refusal was told, else the day it was decided, which is only near it."""
    if state not in {"rejected", "unknown"} or told.at:
        return told
    return Dated(closed.at, "approximate") if closed.at else Dated()


def _made_up_id(key: str, values: Values) -> str:
    """Without an id of its own, an application is told by its job and its date, so that
    reading the file again finds the same one."""
    applied = values.get("applied_on")
    return "/".join((key, values.get("job") or "", applied.isoformat() if applied else ""))


def _latest(applications: Iterable[RemoteApplication], collected: Dated) -> datetime:
    """The latest date the file names: reading it again must not look like a change."""
    dates = [collected.at]
    for item in applications:
        dates += [item.applied.at, item.closed.at, item.rejected_notified.at]
    return max((at for at in dates if at), default=_NEVER)


def _first(found: Iterable[Values], name: str) -> str:
    return next((values[name] for values in found if values.get(name)), "")


def _all(found: Iterable[Values], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for values in found for item in values.get(name) or ()))
