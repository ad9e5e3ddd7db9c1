"""The only clock. Services, tasks and doors read it; rules are handed `as_of`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today(zone: str) -> date:
    """The local date in an IANA time zone: legal dates are local dates."""
    return now().astimezone(ZoneInfo(zone)).date()
