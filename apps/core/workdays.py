"""Working days: Monday to Friday, but for the public holidays of a country.

What a public holiday is, a Member State says (Regulation (EEC, Euratom) No 1182/71, art. 2); which
days they are, the `holidays` package knows. Those of a region alone are working days here.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

import holidays

_SATURDAY: Final = 5


def is_working_day(day: date, country: str) -> bool:
    """`country`: ISO 3166-1 alpha-2. Of one that the package does not know, only weekends count."""
    return day.weekday() < _SATURDAY and day not in _holidays(country, day.year)


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[date]:
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()
