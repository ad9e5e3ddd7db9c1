"""The only clock: the main database's. Services and doors read it; rules are handed `as_of`.

Workers, web servers and commands may run on machines whose own clocks differ, by a day where one
was set up wrongly. What one of them took for the future another would take for the past: a lease
for over, a time to call back for spent, a person for due. So they all ask the one machine that
they share, at the price of a short query.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.db import connection


def now() -> datetime:
    """The present instant, aware, in UTC; inside a transaction too it goes on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)


def today(zone: str) -> date:
    """The local date in an IANA time zone: legal dates are local dates."""
    return now().astimezone(ZoneInfo(zone)).date()
