"""What was measured, and whether it holds. Pure: numbers in, a verdict out.

A row compares repetitions pairwise (ours of one round with the peer's of the same round), so
that a machine that gets slower for a minute slows both sides. It is judged by the median of
the ratios. Its spread is the distance between their quartiles, over that median; a row that
spreads over LOUDEST is not judged at all, in either direction.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self

LOUDEST: Final = 0.30
#: Fewer rounds than this say nothing about a spread.
FEWEST: Final = 5

HOLDS, SHORT = "holds", "falls short"
NOT_JUDGED: Final = f"not judged: spread > {LOUDEST:.0%}"
TOO_FEW: Final = "not judged: too few rounds"
NO_GOAL: Final = "printed only"


@dataclass(frozen=True, slots=True)
class Goal:
    """`of` is what it is held against: the ratio to the peer, or our own figure."""

    bound: float
    sense: Literal["at least", "at most"]
    of: Literal["ratio", "ours"] = "ratio"

    def met(self, value: float) -> bool:
        return value >= self.bound if self.sense == "at least" else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.sense == "at least" else "≤"
        return f"{sign} {self.bound:,g}{' ×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; each list has one figure a round, in `unit`.

    The ratio is ours over the peer's: of rates, more is better; of times, less.
    """

    name: str
    title: str
    unit: str
    ours: list[float]
    peer_name: str = ""
    peer: list[float] = field(default_factory=list)
    limit_name: str = ""
    limit: list[float] = field(default_factory=list)
    goal: Goal | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> list[float]:
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=bool(self.peer))]

    @property
    def judged(self) -> list[float]:
        by_ratio = self.goal.of == "ratio" if self.goal else bool(self.peer)
        return self.ratios if by_ratio else self.ours

    def verdict(self) -> str:
        if self.goal is None:
            return NO_GOAL
        if len(self.judged) < FEWEST:
            return TOO_FEW
        if spread(self.judged) > LOUDEST:
            return NOT_JUDGED
        return HOLDS if self.goal.met(statistics.median(self.judged)) else SHORT

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "goal": str(self.goal) if self.goal else None,
            "ratios": self.ratios,
            "median": statistics.median(self.judged),
            "spread": spread(self.judged),
        }

    @classmethod
    def read(cls, found: dict[str, Any]) -> Self:
        """From `asdict`, as it crosses from one process to another."""
        goal = Goal(**found["goal"]) if found["goal"] else None
        return cls(**{**found, "goal": goal})


def spread(values: Sequence[float]) -> float:
    """Distance between the quartiles over the median; 0 for a single value."""
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / abs(middle)
