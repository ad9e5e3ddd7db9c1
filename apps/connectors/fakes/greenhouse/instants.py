"""Instants as the vendor writes them: UTC, milliseconds, `2026-01-31T08:00:00.000Z`.

Written always the same way, so that comparing the text compares the instants.
"""

from datetime import UTC, date, datetime, time, timedelta


def written(instant: datetime) -> str:
    return (
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{instant.microsecond // 1000:03d}Z"
    )


def now() -> str:
    return written(datetime.now(UTC))


def read(text: str) -> str:
    """An ISO 8601 instant or date in the vendor's own form; raises ValueError otherwise."""
    instant = datetime.fromisoformat(text)
    return written(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def at(day: date, *, hour: int = 9, minute: int = 0) -> str:
    return written(datetime.combine(day, time(hour, minute), tzinfo=UTC))


def before(day: date, *, days: int, hour: int = 9, minute: int = 0) -> str:
    return at(day - timedelta(days=days), hour=hour, minute=minute)
