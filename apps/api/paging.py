"""Pages by cursor: `{next, previous, results}`, the links being whole URLs.

A cursor is the id of the row at the edge and the direction, so a page neither shifts nor
repeats while rows come and go. It is opaque to callers, not secret: it can only point, and
what it points at is filtered by the scope like everything else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from apps.api import fields

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_KEY_BYTES = 16

T = TypeVar("T")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The key of the row at the edge (an id, or a position in the ledger), and the way."""

    key: int
    back: bool

    def __str__(self) -> str:
        data = bytes([self.back]) + self.key.to_bytes(_KEY_BYTES)
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueError for anything this class did not write."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise ValueError("not a cursor") from error
        found = cls(int.from_bytes(data[1:]), bool(data[:1] == b"\x01"))
        if str(found) != text:
            raise ValueError("not a cursor")
        return found


class CursorField(serializers.CharField):
    default_error_messages: ClassVar = {
        "cursor": _("This is not a cursor. Use the links next and previous as they are."),
    }

    def to_internal_value(self, data: Any) -> Any:
        try:
            return Cursor.parse(super().to_internal_value(data))
        except ValueError:
            self.fail("cursor")


class PageQuery(fields.Strict):
    """Parameters of every list."""

    cursor = CursorField(required=False, help_text="Taken from `next` or `previous`.")
    limit = serializers.IntegerField(
        required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT
    )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next: Cursor | None
    previous: Cursor | None

    def answer(self, request: Request, results: Sequence[Any]) -> dict[str, Any]:
        return {
            "next": _link(request, self.next),
            "previous": _link(request, self.previous),
            "results": list(results),
        }


def of_rows(
    rows: QuerySet[M], *, cursor: Cursor | None, limit: int, newest_first: bool = False
) -> Page[M]:
    """A page of rows whose primary key is one of our ids, in the order they were made."""

    def fetch(edge: int | None, downwards: bool, count: int) -> list[M]:
        bounded = rows
        if edge is not None:
            bounded = rows.filter(**{"pk__lt" if downwards else "pk__gt": UUID(int=edge)})
        return list(bounded.order_by("-pk" if downwards else "pk")[:count])

    def key(row: M) -> int:
        return int(row.pk.int)

    return cut(fetch, key, cursor=cursor, limit=limit, newest_first=newest_first)


def cut(
    fetch: Callable[[int | None, bool, int], list[T]],
    key: Callable[[T], int],
    *,
    cursor: Cursor | None,
    limit: int,
    newest_first: bool,
) -> Page[T]:
    """A page from `fetch(edge, downwards, count)`: one row too many tells whether more follow."""
    back = cursor is not None and cursor.back
    found = fetch(cursor.key if cursor else None, newest_first != back, limit + 1)
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    if not found:
        return Page(found, None, None)
    after, before = (True, more) if back else (more, cursor is not None)
    return Page(
        found,
        Cursor(key(found[-1]), back=False) if after else None,
        Cursor(key(found[0]), back=True) if before else None,
    )


def _link(request: Request, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(cursor)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def shape(name: str, item: type[serializers.BaseSerializer[Any]]) -> Any:
    """The serializer of a page of `item`, for the OpenAPI document."""
    return type(
        f"{name}Page",
        (serializers.Serializer,),
        {
            "next": serializers.URLField(allow_null=True, help_text="URL of the page after."),
            "previous": serializers.URLField(allow_null=True, help_text="URL of the page before."),
            "results": item(many=True, read_only=True),
        },
    )
