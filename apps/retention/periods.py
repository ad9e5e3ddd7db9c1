"""Pure: ISO 8601 periods added to legal dates by calendar arithmetic.

A period runs from a local date and ends on a local date: years and months first, clamped to
the end of the month, then weeks and days. The end is never rolled to a working day: retention
is a maximum, not a time limit to act (legal facts §13). A record is kept through the end date
and is due from the next local midnight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from dateutil.relativedelta import relativedelta

_ISO = re.compile(
    r"P(?=\d)(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?"
    r"(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
)
#: No retention period is longer than a century; beyond it, dates leave the calendar.
LONGEST_MONTHS = 1_200
LONGEST_DAYS = 36_525
# Adding and then subtracting a period misses by the days a month end was clamped: at most 3.
_CLAMP = 4


@dataclass(frozen=True, slots=True)
class Span:
    months: int = 0
    days: int = 0


@lru_cache(maxsize=1_024)
def parse(duration: str) -> Span:
    """`P3M`, `P2Y`, `P1Y6M`, `P28D`, `P4W`, `P0D`. Raises ValueError for anything else."""
    found = _ISO.fullmatch(duration)
    if found is None:
        raise ValueError("not an ISO 8601 period of years, months, weeks and days")
    years, months, weeks, days = (int(value or 0) for value in found.group(1, 2, 3, 4))
    span = Span(years * 12 + months, weeks * 7 + days)
    if span.months > LONGEST_MONTHS or span.days > LONGEST_DAYS:
        raise ValueError("longer than a century")
    return span


def together(first: str, second: str) -> str:
    """Both periods as one. Raises ValueError when either is none, or both exceed a century.

    Added at once they may end up to three days after one added to the other's end: a month end
    is clamped once, not twice.
    """
    one, other = parse(first), parse(second)
    months, days = one.months + other.months, one.days + other.days
    text = "P" + (f"{months}M" if months else "") + (f"{days}D" if days or not months else "")
    parse(text)
    return text


def end_date(anchor: date, duration: str) -> date:
    """The last day covered by a period that runs from `anchor`."""
    span = parse(duration)
    try:
        return anchor + relativedelta(months=span.months) + timedelta(days=span.days)
    except (OverflowError, ValueError):
        return date.max


def day_before(day: date) -> date:
    """The last day something is kept, from the first day it is due."""
    return day - timedelta(days=1)


@lru_cache(maxsize=4_096)
def cutoff(duration: str, as_of: date) -> date | None:
    """The latest day d with d + duration < as_of: whatever runs from d or before has ended.

    Never `as_of - duration`: 30 November + 3 months is 28 February, and 28 February - 3 months
    is 28 November. None when the calendar holds no such day.
    """
    span = parse(duration)
    try:
        day = as_of - timedelta(days=span.days) - relativedelta(months=span.months)
        day += timedelta(days=_CLAMP)
        while end_date(day, duration) >= as_of:
            day -= timedelta(days=1)
    except (OverflowError, ValueError):
        return None
    return day


@lru_cache(maxsize=256)
def exceeds(duration: str, ceiling: str) -> bool:
    """Whether the period ends after the ceiling from at least one day of a leap cycle."""
    first = date(2000, 1, 1)
    days = (first + timedelta(days=number) for number in range(1_461))
    return any(end_date(day, duration) > end_date(day, ceiling) for day in days)
