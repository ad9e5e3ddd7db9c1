"""Cells as values. Each reader returns the value or raises Wrong with what to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from apps.connectors.countries import is_code, of_location
from apps.connectors.csv_import.columns import NO, YES, folded, state_of
from apps.connectors.port import Dated, State

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_BETWEEN = re.compile(r"[;,|\n]+")
_FRENCH = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[ T].*)?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?")
_LEAST_DIGITS = 6
_FIRST_YEAR = 1970
_LONGEST_ID = 200
_LONGEST_WORD = 100


@dataclass
class Wrong(Exception):
    """A cell that cannot be read; the message says what to write instead."""

    code: str
    message: _StrOrPromise


def identifier(cell: str) -> str:
    if len(cell) > _LONGEST_ID or not cell.isprintable():
        raise Wrong("id", _("Give an id of at most 200 printable characters."))
    return cell


def emails(cell: str) -> tuple[str, ...]:
    """Several in one cell are separated by a comma, a semicolon, a bar or a line break."""
    found = _several(cell)
    if not all(_EMAIL.fullmatch(email) for email in found):
        raise Wrong("email", _("Write the e-mail as name@example.com."))
    return found


def phones(cell: str) -> tuple[str, ...]:
    found = _several(cell)
    if not all(sum(c.isdigit() for c in phone) >= _LEAST_DIGITS for phone in found):
        raise Wrong("phone", _("Write the phone number with all its digits."))
    return found


class Status(NamedTuple):
    """A word of the export with the state it means; a word for the connection's mapping to
    explain is unknown: nothing is ever due by an unknown state."""

    word: str
    state: State


def status(cell: str) -> Status | None:
    return Status(word(cell), state_of(cell) or "unknown") if cell else None


def word(cell: str) -> str:
    """A stage or a status, which many applications share; a longer text is about one person."""
    if len(cell) > _LONGEST_WORD:
        raise Wrong(
            "word", _("This is a text and no stage or state. Choose another column for it.")
        )
    return cell


def day(cell: str, *, as_of: date) -> date | None:
    """ISO (2024-03-31) or French (31/03/2024) dates; a time after it is left out.

    Day before month, always: a date that only makes sense the other way round is refused.
    """
    if not cell:
        return None
    found = _ISO.fullmatch(cell)
    french = _FRENCH.fullmatch(cell)
    if found:
        year, month, number = (int(part) for part in found.groups())
    elif french:
        number, month, year = (int(part) for part in french.groups())
    else:
        raise Wrong("date", _("Write the date as 31/03/2024 or 2024-03-31."))
    try:
        value = date(year, month, number)
    except ValueError:
        raise Wrong(
            "date_impossible",
            _("There is no such day. Write the day before the month: 31/03/2024."),
        ) from None
    if value.year < _FIRST_YEAR or value > as_of:
        raise Wrong("date_range", _("This date is in the future or before 1970."))
    return value


def start_day(cell: str, *, as_of: date) -> date | None:
    """The start of a hire may lie ahead, by two years at most."""
    return day(cell, as_of=as_of.replace(year=as_of.year + 2, day=min(as_of.day, 28)))


def country(cell: str) -> str | None:
    """A two-letter code, or a country's name in one of several languages."""
    if not cell:
        return None
    found = cell.upper() if is_code(cell.upper()) else of_location(cell)
    if found is None:
        raise Wrong("country", _("Use a two-letter country code, such as FR."))
    return found


def talent_pool(cell: str) -> bool:
    answer = folded(cell)
    if answer not in YES | NO:
        raise Wrong("talent_pool", _("Write yes or no."))
    return answer in YES


def dated(value: date | None) -> Dated:
    """Noon UTC: the same local date from UTC−12 to UTC+11."""
    return Dated(datetime.combine(value, time(12), UTC), "exact") if value else Dated()


def _several(cell: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _BETWEEN.split(cell))
    return tuple(dict.fromkeys(part for part in parts if part))
