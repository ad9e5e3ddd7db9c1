"""Running the sides of a row in turn. Pure but for what the sides do."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

#: name → what it measures. Each runs in an installation and a process of its own.
EXPERIMENTS: Final[Mapping[str, str]] = {
    "sync": "20,000 candidates from the fake Greenhouse, 50 requests per 10 s",
    "erase": "220 steps through the fake Greenhouse, 1, 2 and 4 workers",
    "jobs": "8,000 jobs with an effect of one row; the same while workers are killed",
    "epoch": "1,000,000 keys re-wrapped at the end of an epoch, with live writers",
    "dispose": "100,000 people of 10,000,000 erased here; their keys alone",
    "due": "all due ids of 1,000,000 records; a change of period",
    "simulate": "a period tried on 1,000,000 records, nothing written",
    "refresh": "all grounds of 1,000,000 records from their facts",
    "record": "recording inside single-row transactions, 8 writers, the runner live",
    "integrate": "batches of 10,000 entries placed and signed",
    "create": "one create with its ledger entry, beside three audit packages",
    "verify": "verify_ledger over 1,000,000 entries",
}
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """How much to measure. `size` is of the row's own thing: records, entries, candidates."""

    rounds: int = ROUNDS
    quick: bool = False
    size: int | None = None

    def sized(self, full: int, quick: int) -> int:
        return self.size or (quick if self.quick else full)


def in_turn(sides: Mapping[str, Callable[[], float]], run: Run) -> dict[str, list[float]]:
    """Every side once a round, each round beginning with another one."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(run.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].append(sides[name]())
            say(f"round {number + 1}/{run.rounds} {name}: {figures[name][-1]:,.4g}")
    return figures


def in_slices(
    sides: Mapping[str, Callable[[], float]], run: Run, slices: int
) -> dict[str, list[float]]:
    """As `in_turn`, for sides that answer rates of short work: each round is made of slices of
    every side in turn, so that a burst of other work on the machine meets all sides alike.
    Every slice does as much as any other, so their harmonic mean is the round's rate."""
    parts = in_turn(sides, replace(run, rounds=run.rounds * slices))
    starts = range(0, run.rounds * slices, slices)
    return {
        name: [statistics.harmonic_mean(rates[start : start + slices]) for start in starts]
        for name, rates in parts.items()
    }


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """How long it took, by the wall clock."""
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def one_by_one(work: Callable[[Any], object], things: Iterable[Any]) -> None:
    for thing in things:
        work(thing)


def say(text: str) -> None:
    """Progress, beside the table."""
    sys.stderr.write(f"    {text}\n")
    sys.stderr.flush()
