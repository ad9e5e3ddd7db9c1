"""Geometry of the small server-side charts. Pure: days and counts in, rectangles out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT, FLOOR, CEILING = 720, 120, 118, 4


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    count: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bars:
    bars: tuple[Bar, ...]
    bar_width: float
    highest: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    floor: int = FLOOR

    @property
    def first(self) -> date:
        return self.bars[0].day

    @property
    def last(self) -> date:
        return self.bars[-1].day

    @property
    def told(self) -> list[Bar]:
        """Days with something to tell, for the table beside the picture."""
        return [bar for bar in self.bars if bar.count]


def filled(counts: Mapping[date, int], *, since: date, until: date) -> list[tuple[date, int]]:
    """One pair for every day of the period, days without any included."""
    days = (until - since).days + 1
    every = (since + timedelta(days=n) for n in range(days))
    return [(day, counts.get(day, 0)) for day in every]


def bars(series: Sequence[tuple[date, int]]) -> Bars:
    """A bar a day. A day without any is a hairline, so that the axis reads as a calendar."""
    slot = WIDTH / max(len(series), 1)
    highest = max((count for _, count in series), default=0)
    scale = (FLOOR - CEILING) / max(highest, 1)
    return Bars(
        bars=tuple(_bar(n, day, count, slot, scale) for n, (day, count) in enumerate(series)),
        bar_width=round(slot * 0.7, 2),
        highest=highest,
        total=sum(count for _, count in series),
    )


def _bar(n: int, day: date, count: int, slot: float, scale: float) -> Bar:
    height = round(max(count * scale, 2), 2)
    return Bar(day, count, round(n * slot + slot * 0.15, 2), round(FLOOR - height, 2), height)
