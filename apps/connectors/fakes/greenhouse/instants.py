"""Instants as the vendor writes them: UTC, milliseconds, `2026-01-31T08:00:00.000Z`.

Written always the same way, so that comparing the text compares the instants.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache


def written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def now() -> str:
    return written(datetime.now(UTC))


def read(text: str) -> str:
    """An ISO 8601 instant or date in the vendor's own form; raises ValueError otherwise."""
    instant = datetime.fromisoformat(text)
    return written(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


@lru_cache(maxsize=8192)
def day_before(day: date, days: int) -> str:
    return (day - timedelta(days=days)).isoformat()


def before(day: date, *, days: int, hour: int = 9, minute: int = 0) -> str:
    return f"{day_before(day, days)}T{hour:02d}:{minute:02d}:00.000Z"
