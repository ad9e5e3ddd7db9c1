"""Bytes of a CSV file as a table whose every line knows its number. Pure.

Files come out of spreadsheets: with or without a byte-order mark, in Windows' old encoding,
separated by what the country's Excel prefers, with line breaks inside quotes.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Invalid

DELIMITERS = (";", ",", "\t", "|")
#: A spreadsheet runs a cell that begins so as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the number a text editor shows where the row begins; the header is line 1.
    `broken`: the row's quotes or its number of cells are wrong."""

    line: int
    cells: tuple[str, ...]
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    #: "utf-8", "utf-16" or "cp1252"; the last is a guess and must be shown to the user.
    encoding: str
    delimiter: str


def parse(data: bytes) -> Table:
    """Raises Invalid for a file that is no table: empty, binary, without headers."""
    text, encoding = _decoded(data)
    if "\x00" in text:
        raise Invalid("csv_binary", _("This is not a CSV file. Export it again as CSV."))
    delimiter = _delimiter(text)
    rows = list(_rows(text, delimiter))
    if not rows:
        raise Invalid("csv_empty", _("The file is empty."))
    headers = tuple(header.strip() for header in rows[0].cells)
    if rows[0].broken or not any(headers):
        raise Invalid("csv_headers", _("The first line must hold the names of the columns."))
    if len(rows) - 1 > MOST_LINES:
        raise Invalid("csv_long", _("The file has too many lines. Split it."))
    body = (_squared(row, len(headers)) for row in rows[1:])
    return Table(headers, tuple(row for row in body if any(row.cells)), encoding, delimiter)


def write(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """A CSV that every spreadsheet opens: BOM, semicolons, no cell that runs as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([escaped(cell) for cell in headers])
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def escaped(cell: str) -> str:
    """An apostrophe before what would be a formula, or before an apostrophe of our own kind,
    so that `unescaped` undoes it and nothing else."""
    return f"'{cell}" if cell.startswith(FORMULA) or _looks_escaped(cell) else cell


def unescaped(cell: str) -> str:
    return cell[1:] if _looks_escaped(cell) else cell


def _looks_escaped(cell: str) -> bool:
    stripped = cell.lstrip("'")
    return cell.startswith("'") and stripped.startswith(FORMULA)


def _decoded(data: bytes) -> tuple[str, str]:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "cp1252"]:
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    raise Invalid("csv_encoding", _("The file's encoding is not known. Save it as CSV UTF-8."))


def _delimiter(text: str) -> str:
    """What separates the headers; their own quotes are respected."""
    first = text.splitlines()[0] if text.strip() else ""
    outside = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield Row(line, tuple(unescaped(cell.strip()) for cell in next(reader)))
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise Invalid(
                    "csv_quote",
                    _("A quotation mark opened on line %(line)s is never closed.") % {"line": line},
                ) from error
            yield Row(line, (text.splitlines()[line - 1],), broken="quotes")


def _squared(row: Row, width: int) -> Row:
    """Spreadsheets leave empty cells off the end of a line: those are given back."""
    cells = row.cells
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    broken = row.broken or ("cells" if len(cells) > width else "")
    return Row(row.line, cells + ("",) * (width - len(cells)), broken)
