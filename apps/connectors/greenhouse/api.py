"""Harvest v3 as calls: lists page by page, and the two effects. Knows paths, not people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse import token
from apps.connectors.http import Answer, Client, Target

Json = dict[str, Any]

#: The most ids a filter takes, and the most rows a page has (v3 document).
MAX_IDS = 50
MAX_ROWS = 500
_NEXT = re.compile(r"<([^<>]+)>\s*;[^,]*\brel=\"?next\"?")


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a list; `following` is the query of the next page, empty on the last."""

    rows: list[Json]
    following: str


@dataclass(frozen=True, slots=True)
class Api:
    client: Client
    #: Scheme and host, without /v3.
    base_url: str
    credential: token.Credential

    def pages(self, path: str, params: Mapping[str, str], *, resume: str = "") -> Iterator[Rows]:
        """The pages of a list, from the query `resume` on. A query the vendor no longer
        accepts begins the list again: reading twice is harmless, a gap is not."""
        page = self._resumed(path, resume) if resume else None
        page = page or self.page(path, {**params, "per_page": str(MAX_ROWS)})
        yield page
        while page.following:
            page = self._follow(path, page.following)
            yield page

    def page(self, path: str, params: Mapping[str, str]) -> Rows:
        return self._rows(path, self._url(path), params)

    def every(self, path: str, params: Mapping[str, str] | None = None) -> list[Json]:
        return [row for page in self.pages(path, params or {}) for row in page.rows]

    def by_ids(self, path: str, parameter: str, ids: Iterable[str]) -> list[Json]:
        """The rows whose ids or owners are named, at most 50 a call."""
        return [
            row
            for some in in_batches(list(ids))
            for row in self.every(path, {parameter: ",".join(some)})
        ]

    def effect(self, method: str, path: str, *, json: Any = None) -> Answer:
        """Raises ConnectorError(outcome_unknown) when it may have taken place."""
        try:
            return self.client.effect(self._target(method, self._url(path), json=json))
        except ConnectorError as error:
            if error.code != "unauthorized":
                raise
        token.forget(self.credential)  # 401 is answered instead of acting: once more is safe
        return self.client.effect(self._target(method, self._url(path), json=json))

    def _resumed(self, path: str, query: str) -> Rows | None:
        try:
            return self._follow(path, query)
        except ConnectorError as error:
            if error.code == "rejected":
                return None
            raise

    def _follow(self, path: str, query: str) -> Rows:
        return self._rows(path, f"{self._url(path)}?{query}", None)

    def _rows(self, path: str, url: str, params: Mapping[str, str] | None) -> Rows:
        answer = self._read(url, params)
        if not isinstance(answer.body, list) or not all(isinstance(r, dict) for r in answer.body):
            raise ConnectorError("malformed", status=answer.status, request_id=answer.request_id)
        return Rows(answer.body, self._following(path, answer))

    def _read(self, url: str, params: Mapping[str, str] | None) -> Answer:
        try:
            return self.client.read(self._target("GET", url, params=params))
        except ConnectorError as error:
            if error.code != "unauthorized":
                raise
        token.forget(self.credential)
        return self.client.read(self._target("GET", url, params=params))

    def _target(self, method: str, url: str, **values: Any) -> Target:
        return Target(method, url, token.bearer(self.credential), **values)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/v3/{path}"

    def _following(self, path: str, answer: Answer) -> str:
        """The query of `Link: <…>; rel="next"`, followed exactly, and only to where we are:
        a link to another host would send it the token."""
        found = _NEXT.search(answer.headers.get("Link", ""))
        if not found:
            return ""
        ours, theirs = urlsplit(self._url(path)), urlsplit(found[1])
        same = (ours.scheme, ours.netloc, ours.path) == (theirs.scheme, theirs.netloc, theirs.path)
        if not same or not theirs.query:
            raise ConnectorError("malformed", status=answer.status, request_id=answer.request_id)
        return theirs.query


def in_batches(ids: Sequence[str], size: int = MAX_IDS) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
