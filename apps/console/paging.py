"""Cursor paging: stable while rows come and go, and the same cost on every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

SIZE = 50

M = TypeVar("M", bound=Model)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is the cursor of the following page, or empty on the last one."""

    rows: Sequence[T]
    next: str
    first: bool

    def links(self, request: HttpRequest) -> dict[str, Any]:
        """For parts/pager.html; filters of the address are kept, nothing personal is in it."""
        shown = ngettext("%(count)d line shown", "%(count)d lines shown", len(self.rows))
        return {
            "next": _address(request, self.next) if self.next else "",
            "first": "" if self.first else _address(request, ""),
            "shown": shown % {"count": len(self.rows)},
        }


def take(
    rows: QuerySet[M], *, by: str, after: str, descending: bool = False, size: int = SIZE
) -> Page[M]:
    """One page of rows ordered by a unique field. A cursor nobody gave starts at the top."""
    beyond = rows.filter(**{f"{by}__{'lt' if descending else 'gt'}": after}) if after else rows
    try:
        found = list(beyond[: size + 1])
    except (ValidationError, ValueError):
        found, after = list(rows[: size + 1]), ""
    return cut(found, cursor=lambda row: str(getattr(row, by)), after=after, size=size)


def cut(found: Sequence[T], *, cursor: Any, after: str, size: int = SIZE) -> Page[T]:
    """A page out of up to `size` + 1 rows, the last telling only that there are more."""
    rows = found[:size]
    more = cursor(rows[-1]) if len(found) > size else ""
    return Page(rows=rows, next=more, first=not after)


def _address(request: HttpRequest, after: str) -> str:
    kept = {key: value for key, value in request.GET.items() if key != "after" and value}
    return "?" + urlencode({**kept, **({"after": after} if after else {})})
