"""Reading what changed, window by window, so that nothing falls between two reads.

A window is closed on both sides (`updated_at=gte|…|lte|…`). Lists come in descending order of
ids and are paged by the vendor's cursor; whatever is touched while we page leaves the window
and is found in the next one. Windows overlap by some minutes, so that neither a difference
between the clocks nor a vendor's index that lags opens a gap: reading twice is harmless.

Each window is read from three lists: candidates, then applications and offers that moved
without moving their candidate's `updated_at`. The first window reaches back to the beginning
and therefore needs the candidates only.

The cursor is opaque JSON: the window, the list, the query of the next page. It is stored with
the page it follows, so a killed worker repeats one page at most.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from apps.connectors.greenhouse.api import Api, Json, Rows
from apps.connectors.greenhouse.mapping import identifier, instant
from apps.connectors.port import Page, RemoteCandidate

OVERLAP = timedelta(minutes=5)
_BEGINNING = "1970-01-01T00:00:00Z"
_LISTS = ("candidates", "applications", "offers")

#: Makes candidates of rows: with their applications, offers and countries.
Assemble = Callable[[Sequence[Json]], tuple[RemoteCandidate, ...]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """`end` is empty between windows; `following` is the query of the page to read next."""

    start: str = _BEGINNING
    end: str = ""
    listing: str = _LISTS[0]
    following: str = ""

    @classmethod
    def read(cls, text: str) -> Cursor:
        """A cursor we cannot read begins anew: reading everything again is harmless."""
        try:
            cursor = cls(**json.loads(text)) if text else cls()
        except (ValueError, TypeError):
            return cls()
        known = instant(cursor.start) and (not cursor.end or instant(cursor.end))
        return cursor if known and cursor.listing in _LISTS else cls()

    def write(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def lists(self) -> tuple[str, ...]:
        """What is still to be read in this window."""
        if self.start == _BEGINNING:
            return _LISTS[:1]
        return _LISTS[_LISTS.index(self.listing) :]

    def after(self) -> Cursor:
        """The window that follows this one."""
        end = instant(self.end)
        return Cursor(start=_text(end - OVERLAP) if end else self.start)


def pages(api: Api, since: str, assemble: Assemble, until: datetime) -> Iterator[Page]:
    """Pages up to then; the last one is empty, `done`, and holds where the next call begins."""
    cursor = Cursor.read(since)
    if not cursor.end:
        cursor = replace(cursor, end=_text(until))
    seen: set[str] = set()
    for listing in cursor.lists:
        resume = cursor.following if listing == cursor.listing else ""
        here = replace(cursor, listing=listing, following="")
        window = {"updated_at": f"gte|{here.start}|lte|{here.end}"}
        for page in api.pages(listing, window, resume=resume):
            candidates = assemble(_candidates(api, here, page, seen))
            yield Page(candidates, _next(here, page).write(), done=False)
    yield Page((), cursor.after().write(), done=True)


def _next(here: Cursor, page: Rows) -> Cursor:
    """Where to go on after this page is stored."""
    if page.following or here.listing == here.lists[-1]:
        return replace(here, following=page.following)
    return replace(here, listing=here.lists[1], following="")


def _candidates(api: Api, here: Cursor, page: Rows, seen: set[str]) -> list[Json]:
    """The candidates a page is about, each once a window."""
    if here.listing == "candidates":
        if len(here.lists) > 1:  # else nothing follows that could repeat them
            seen.update(identifier(row, "id") for row in page.rows)
        return page.rows
    owners = {identifier(row, "candidate_id") for row in page.rows} - seen
    seen.update(owners)
    return api.by_ids("candidates", "ids", sorted(owners))


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
