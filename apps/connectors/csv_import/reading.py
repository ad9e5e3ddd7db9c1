"""A RecOps person's export as candidates, with a report of every line that cannot be taken.

Pure: bytes in, values out; nothing is stored, so reading *is* the dry run. One line is one
application, or a person without any; lines with the same id (else the same e-mail) are one
person. A person is taken whole or not at all: with one of their lines missing, a deadline
could end too early. So a bad line holds back the good ones beside it, and says so.
"""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from apps.connectors.csv_import import persons, tables, values
from apps.connectors.csv_import.columns import FIELDS, IDENTIFYING, guess
from apps.connectors.csv_import.persons import Line, Values
from apps.connectors.csv_import.tables import Row, Table
from apps.connectors.csv_import.values import Wrong
from apps.connectors.port import RemoteCandidate
from apps.core.errors import Invalid

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class LineError:
    """Line and column as the user's editor shows them; the message says what to write."""

    line: int
    column: str
    code: str
    message: _StrOrPromise


@dataclass(frozen=True, slots=True)
class Summary:
    """What taking the good lines would do. `undated`: closed applications without a closing
    date, of which no deadline can be worked out."""

    lines: int
    good_lines: int
    bad_lines: int
    candidates: int
    applications: int
    undated: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    candidates: tuple[RemoteCandidate, ...]
    errors: tuple[LineError, ...]
    summary: Summary
    #: Field → header, as used.
    mapping: Mapping[str, str]
    #: Headers nobody maps: not taken in.
    ignored: tuple[str, ...]
    table: Table

    def bad_lines(self) -> bytes:
        """The lines to correct as a CSV of their own, with what is wrong in a last column.

        The error column is ignored when the corrected file is read again.
        """
        told: dict[int, list[str]] = defaultdict(list)
        for error in self.errors:
            place = f"{error.column}: " if error.column else ""
            told[error.line].append(f"{place}{error.message}")
        rows = (
            (*row.cells, " ".join(told[row.line])) for row in self.table.rows if row.line in told
        )
        return tables.write((*self.table.headers, str(_("To correct"))), rows)


def read(
    data: bytes, mapping: Mapping[str, str] | None = None, *, as_of: date, country: str = ""
) -> Reading:
    """Read an export. `mapping` (field → header) is guessed when it is None; `country` is that
    of the establishment where the file does not say.

    Raises Invalid for a file that is no table or a mapping that does not fit it; a wrong line
    is an entry of `errors`.
    """
    table = tables.parse(data)
    used = _checked(guess(table.headers) if mapping is None else mapping, table.headers)
    reader = _Reader(table, used, as_of)
    people = reader.people()
    candidates = tuple(persons.candidate(key, lines, country) for key, lines in people.items())
    ignored = [header for header in table.headers if header and header not in used.values()]
    return Reading(
        candidates,
        tuple(sorted(reader.errors, key=lambda error: error.line)),
        _summary(table, candidates, reader.errors),
        used,
        tuple(ignored),
        table,
    )


def _checked(mapping: Mapping[str, str], headers: Sequence[str]) -> dict[str, str]:
    used = {name: header for name, header in mapping.items() if header}
    for name, header in used.items():
        if name not in FIELDS:
            raise Invalid("csv_field", _("There is no such field."), field=name)
        if headers.count(header) != 1:
            raise Invalid(
                "csv_column",
                _("The column “%(column)s” is missing, or there are several.") % {"column": header},
                field=name,
            )
    if len(set(used.values())) != len(used):
        raise Invalid("csv_column_twice", _("Use each column for one field only."))
    if not any(name in used for name in IDENTIFYING):
        raise Invalid(
            "csv_identity",
            _("Choose the column that holds the candidate's id, or the e-mail."),
            field="remote_id",
        )
    return used


@dataclass
class _Reader:
    """Reads the lines of one table and gathers what is wrong."""

    table: Table
    used: Mapping[str, str]
    as_of: date
    errors: list[LineError] = field(default_factory=list)

    def people(self) -> dict[str, list[Line]]:
        """Good lines by person; those of a person with a bad line are held back."""
        people: dict[str, list[Line]] = defaultdict(list)
        poisoned = set()
        for row in self.table.rows:
            key = self._key(row)
            found = self._line(row, key)
            if found is None:
                poisoned.add(key)
            else:
                people[key].append((row.line, found))
        poisoned.update(key for key, lines in people.items() if self._contradict(lines))
        for key in poisoned & people.keys():
            self._hold_back(people.pop(key))
        return dict(people)

    def _contradict(self, lines: Sequence[Line]) -> bool:
        """The same application twice with different facts: nobody can say which one holds."""
        seen: dict[str, Values] = {}
        for number, found in lines:
            same = seen.setdefault(found.get("application_id") or f"line {number}", found)
            if same != found:
                message = _("This application stands on another line with other facts.")
                self._wrong(number, self.used["application_id"], "csv_twice", message)
                return True
        return False

    def _hold_back(self, lines: Iterable[Line]) -> None:
        message = _("Another line of this person is wrong. They are taken together.")
        told = {error.line for error in self.errors}
        for number, _found in lines:
            if number not in told:
                self._wrong(number, "", "csv_held_back", message)

    def _line(self, row: Row, key: str) -> Values | None:
        if row.broken:
            self._wrong(row.line, "", f"csv_{row.broken}", _BROKEN[row.broken])
            return None
        before = len(self.errors)
        found = {name: self._value(name, row) for name in self.used}
        if len(self.errors) == before:
            self._contradictions(row.line, found)
        if len(self.errors) == before and not key:
            column = self.used.get("remote_id") or self.used["email"]
            self._wrong(row.line, column, "csv_nobody", _("Say who this line is about."))
        return found if len(self.errors) == before else None

    def _value(self, name: str, row: Row) -> Any:
        try:
            cell = self._cell(name, row)
            if cell and name in self.crowded:
                raise Wrong("words", _CROWDED)
            return _READERS[name](cell, self.as_of)
        except Wrong as wrong:
            self._wrong(row.line, self.used[name], wrong.code, wrong.message)
            return None

    @functools.cached_property
    def crowded(self) -> frozenset[str]:
        """Columns used as words of the ATS that hold too many: they may be names or notes, which
        are kept sealed, and words are not."""
        asked = [name for name in _WORDS if name in self.used]
        held = {name: {self._cell(name, row) for row in self.table.rows} for name in asked}
        return frozenset(name for name, words in held.items() if len(words) > _MOST_WORDS)

    def _contradictions(self, line: int, found: Values) -> None:
        """Dates that cannot both be true: one of them would start the wrong clock."""
        applied, closed = found.get("applied_on"), found.get("closed_on")
        status = found.get("status")
        if closed and status is not None and status.state == "open":
            message = _("An application in process has no closing date. Correct one of the two.")
            self._wrong(line, self.used["closed_on"], "csv_open_closed", message)
        if applied and closed and closed < applied:
            message = _("This application ends before it began. Correct one of the two dates.")
            self._wrong(line, self.used["closed_on"], "csv_order", message)

    def _wrong(self, line: int, column: str, code: str, message: _StrOrPromise) -> None:
        self.errors.append(LineError(line, column, code, message))

    def _key(self, row: Row) -> str:
        """Who a line is about, as far as that can be seen, even of a line that is wrong."""
        if remote_id := self._cell("remote_id", row):
            return remote_id
        return _FIRST.split(self._cell("email", row).casefold())[0]

    def _cell(self, name: str, row: Row) -> str:
        header = self.used.get(name)
        cells = row.cells
        if row.broken == "quotes":
            cells = tuple(part.strip(' "') for part in cells[0].split(self.table.delimiter))
        position = self.table.headers.index(header) if header else len(cells)
        return cells[position] if position < len(cells) else ""


_WORDS = ("status", "stage")
_MOST_WORDS = 100
_CROWDED = _("This column holds too many different words for a stage or state. Choose another.")
_FIRST = re.compile(r"[;,|\n]")
_BROKEN = {
    "quotes": _('The quotation marks of this line do not fit. Write " inside a text as "".'),
    "cells": _("This line has more cells than columns. Put a text with a separator in quotes."),
}


def _text(cell: str, _as_of: date) -> str:
    return cell


def _plain(reader: Callable[[str], Any]) -> Callable[[str, date], Any]:
    return lambda cell, _as_of: reader(cell)


def _day(cell: str, as_of: date) -> date | None:
    return values.day(cell, as_of=as_of)


_READERS: Mapping[str, Callable[[str, date], Any]] = {
    "remote_id": _plain(values.identifier),
    "first_name": _text,
    "last_name": _text,
    "email": _plain(values.emails),
    "phone": _plain(values.phones),
    "collected_on": _day,
    "talent_pool": _plain(values.talent_pool),
    "application_id": _plain(values.identifier),
    "job": _plain(values.identifier),
    "status": _plain(values.status),
    "stage": _plain(values.word),
    "country": _plain(values.country),
    "applied_on": _day,
    "closed_on": _day,
    "notified_on": _day,
    "hired_on": lambda cell, as_of: values.start_day(cell, as_of=as_of),
}


def _summary(
    table: Table, candidates: Sequence[RemoteCandidate], errors: Sequence[LineError]
) -> Summary:
    bad = {error.line for error in errors}
    applications = [item for candidate in candidates for item in candidate.applications]
    return Summary(
        lines=len(table.rows),
        good_lines=len(table.rows) - len(bad),
        bad_lines=len(bad),
        candidates=len(candidates),
        applications=len(applications),
        undated=sum(persons.is_undated(item) for item in applications),
        states=Counter(item.state for item in applications),
    )
