"""`GET /v3/<path>`: filters, the order by descending id, and the cursor in `Link`.

The cursor is opaque to the caller, signed, and holds the whole first question, so a page
can only be asked for with the cursor alone.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import instants
from .answers import CURSOR_ALONE, Answer, Refusal, Unprocessable
from .catalogue import DEFAULT_PER_PAGE, MAX_IDS, MAX_PER_PAGE, TIME_FILTERS, Listing
from .state import Json, State, dumps

_OPERATORS = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
_BOOLEANS = {"true": 1, "false": 0}


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions of one question with their values."""

    sql: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def and_(self, sql: str, *values: Any) -> "Where":
        return Where((*self.sql, sql), (*self.values, *values))


def ids_of(text: str, name: str) -> tuple[int, ...]:
    """`1,2,3` as numbers; refuses more than 50 and what is not a number."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise Unprocessable({name: "must be a list of integers"})
    if len(parts) > MAX_IDS:
        raise Unprocessable({name: f"array size is greater than: {MAX_IDS}"})
    return tuple(int(part) for part in parts)


def named_candidates(query: Mapping[str, str], listing: Listing) -> tuple[int, ...]:
    """The candidates a question names, for the journal and the faults."""
    name = "ids" if listing.kind == "candidate" else "candidate_ids"
    return ids_of(query.get(name, ""), name)


def _bounds(text: str, name: str) -> Iterator[tuple[str, str]]:
    """`gte|<instant>|lte|<instant>` as (column condition, instant)."""
    parts = text.split("|")
    if len(parts) % 2:
        raise Unprocessable({name: "must be pairs of operator and date-time"})
    for operator, instant in zip(parts[::2], parts[1::2], strict=True):
        if operator not in _OPERATORS:
            raise Unprocessable({name: f"unknown operator `{operator}`"})
        try:
            yield f"{name} {_OPERATORS[operator]} ?", instants.read(instant)
        except ValueError:
            raise Unprocessable({name: "must be a valid date-time"}) from None


def _times(where: Where, query: Mapping[str, str]) -> Where:
    if "created_at" in query and "updated_at" in query:
        raise Unprocessable("created_at and updated_at cannot be combined.")
    for name in sorted(TIME_FILTERS & query.keys()):
        for sql, value in _bounds(query[name], name):
            where = where.and_(sql, value)
    return where


def _id_lists(where: Where, listing: Listing, query: Mapping[str, str]) -> Where:
    for name in ("ids", *listing.ids):
        if name in query:
            ids = ids_of(query[name], name)
            marks = ",".join("?" * len(ids))
            where = where.and_(f"{name.removesuffix('s')} IN ({marks})", *ids)
    return where


def _equals(where: Where, listing: Listing, query: Mapping[str, str]) -> Where:
    for name in listing.equals:
        if name in query:
            where = _equal(where, listing, name, query[name])
    return where


def _equal(where: Where, listing: Listing, name: str, value: str) -> Where:
    if name in ("email", "tag"):
        wanted = value.lower() if name == "email" else value
        return where.and_("id IN (SELECT id FROM lookup WHERE word=? AND value=?)", name, wanted)
    if name == "private" and value == "true":
        return where  # "include private candidates": true, the default, excludes nobody
    if listing.kind == "application" and name == "status":
        # The filter says `active` where the rows say `in_process`.
        value = _application_status(value)
    return where.and_(f"json_extract(doc, '$.{name}') = ?", _BOOLEANS.get(value, value))


def _application_status(value: str) -> str:
    if value not in ("active", "rejected", "hired", "converted"):
        raise Unprocessable(
            {"status": f"`{value}` is not one of: active, rejected, hired, converted"}
        )
    return "in_process" if value == "active" else value


def _per_page(query: Mapping[str, str]) -> int:
    text = query.get("per_page", str(DEFAULT_PER_PAGE))
    if not text.isdecimal() or int(text) < 1:
        raise Unprocessable({"per_page": f"`{text}` number is less than: 1"})
    if int(text) > MAX_PER_PAGE:
        raise Unprocessable({"per_page": f"`{text}` number is greater than: {MAX_PER_PAGE}"})
    return int(text)


def _signature(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()[:12]


def _cursor(key: bytes, path: str, query: Mapping[str, str], last_id: int) -> str:
    text = dumps({"path": path, "query": dict(query), "before": last_id}).encode()
    return base64.urlsafe_b64encode(_signature(key, text) + text).decode().rstrip("=")


def _opened(key: bytes, path: str, cursor: str) -> tuple[dict[str, str], int]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise Unprocessable({"cursor": "is invalid"}) from None
    if not hmac.compare_digest(_signature(key, raw[12:]), raw[:12]):
        raise Unprocessable({"cursor": "is invalid"})
    content = json.loads(raw[12:])
    if content["path"] != path:
        raise Unprocessable({"cursor": "is invalid"})
    return content["query"], content["before"]


def _question(listing: Listing, query: Mapping[str, str]) -> Where:
    unknown = sorted(query.keys() - listing.parameters)
    if unknown:
        raise Unprocessable(*({name: "is not a permitted parameter"} for name in unknown))
    where = Where().and_("kind = ?", listing.kind)
    return _equals(_id_lists(_times(where, query), listing, query), listing, query)


def _projected(docs: Iterable[str], fields: str) -> list[str]:
    wanted = [name.strip() for name in fields.split(",")]
    rows: Iterator[Json] = (json.loads(doc) for doc in docs)
    return [dumps({name: row[name] for name in wanted if name in row}) for row in rows]


@dataclass(frozen=True, slots=True)
class Pager:
    """Answers lists. `hidden` are candidate ids a fault makes `?ids=` forget."""

    state: State
    key: bytes

    def page(
        self,
        listing: Listing,
        query: Mapping[str, str],
        *,
        url: str,
        hidden: frozenset[int] = frozenset(),
    ) -> tuple[Answer, list[str]]:
        """The answer without its body, and the JSON text of each row."""
        before = None
        if "cursor" in query:
            if len(query) > 1:
                raise Unprocessable(CURSOR_ALONE)
            query, before = _opened(self.key, listing.path, query["cursor"])
        where, size = _question(listing, query), _per_page(query)
        if before is not None:
            where = where.and_("id < ?", before)
        if hidden and "ids" in query:
            where = where.and_(f"id NOT IN ({','.join('?' * len(hidden))})", *sorted(hidden))
        rows = self._rows(where, size + 1)
        answer = Answer()
        if len(rows) > size:
            cursor = _cursor(self.key, listing.path, query, rows[size - 1][0])
            answer.headers["Link"] = f'<{url}/v3/{listing.path}?cursor={cursor}>; rel="next"'
        docs = [doc for _, doc in rows[:size]]
        return answer, _projected(docs, query["fields"]) if "fields" in query else docs

    def _rows(self, where: Where, limit: int) -> list[tuple[int, str]]:
        conditions = " AND ".join(where.sql)
        # Few rows of named candidates are sorted; all others are walked in the order of ids.
        order = "+id" if "candidate_id IN" in conditions or "tion_id IN" in conditions else "id"
        rows = self.state.all(
            f"SELECT id, doc FROM entity WHERE {conditions} ORDER BY {order} DESC LIMIT ?",  # noqa: S608 - only names from the catalogue and marks; values are bound
            (*where.values, limit),
        )
        return [(row["id"], row["doc"]) for row in rows]


def listing_at(listings: Mapping[str, Listing], path: str) -> Listing:
    """Raises Refusal(404) for a list the document does not name."""
    if path not in listings:
        raise Refusal(404, "No such route.", message="Not Found")
    return listings[path]
