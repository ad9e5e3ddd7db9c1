"""The house of the journeys, the size of the suite, and the table it prints at its end."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults import table
from tests.journeys.house import fake, house

__all__ = ["fake", "house"]


@dataclass(frozen=True)
class Scale:
    """How much of it: `--quick` is the short form."""

    steps: int
    kills: int
    races: int


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    quick = request.config.getoption("--quick")
    return Scale(steps=60, kills=5, races=20) if quick else Scale(steps=500, kills=50, races=200)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> Iterator[random.Random]:
    """Chance, with its seed in the table: LETHE_SEED repeats a run."""
    seed = int(os.environ.get("LETHE_SEED") or int.from_bytes(os.urandom(3)))
    with table.seeded(request.node.name, seed):
        yield random.Random(seed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in table.lines():
        terminalreporter.write_line(line)
