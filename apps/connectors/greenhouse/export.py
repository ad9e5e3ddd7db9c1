"""Everything Harvest v3 returns about candidates, flattened: what an erasure is judged by.

Parts are read by candidate or, where the list takes no `candidate_ids`, by application. They
are read for an id that is gone too: a file that outlives its candidate is a residue. A part
the credential may not read is named `unreadable`, and is never taken for clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.connectors import paths
from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse.api import Api, Json
from apps.connectors.port import RemoteCandidate, Scalar, Snapshot

#: Part (the first segment of a path) → its list.
BY_CANDIDATE = {
    "application": "applications",
    "attachment": "attachments",
    "note": "notes",
    "offer": "offers",
    "education": "candidate_educations",
    "employment": "candidate_employments",
}
BY_APPLICATION = {
    "rejection_detail": "rejection_details",
    "scorecard": "scorecards",
    "interview": "interviews",
    "prospect_detail": "prospect_details",
}
#: Parts whose rows may name an application and no candidate: asked for both ways.
ON_EITHER = ("attachment", "note")
_LISTS = BY_CANDIDATE | BY_APPLICATION
LISTS = ("candidates", *_LISTS.values())

Rows = dict[str, list[Json]]
Assemble = Callable[[Json, Rows], RemoteCandidate]


@dataclass(slots=True)
class _Found:
    """Rows by part, candidate and row id, so that a row found twice is one."""

    remote_ids: Sequence[str]
    rows: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    #: Application id → candidate id.
    applications: dict[str, str] = field(default_factory=dict)

    def keep(self, part: str, rows: Iterable[Json]) -> None:
        for row in rows:
            owner = self._owner(row)
            if owner is None:
                self.unreadable.add(part)  # whose it is cannot be told: nobody's is clean
                continue
            self.rows.setdefault(part, {}).setdefault(owner, {})[str(row.get("id"))] = row
            if part == "application":
                self.applications[str(row.get("id"))] = owner

    def of(self, remote_id: str) -> Rows:
        return {part: list(owned.get(remote_id, {}).values()) for part, owned in self.rows.items()}

    def _owner(self, row: Json) -> str | None:
        """Files and notes may hang on the application alone."""
        owner = str(row.get("candidate_id"))
        if owner not in self.remote_ids:
            owner = self.applications.get(str(row.get("application_id")), "")
        return owner or (self.remote_ids[0] if len(self.remote_ids) == 1 else None)


def snapshots(
    api: Api,
    remote_ids: Sequence[str],
    candidates: Mapping[str, Json],
    assemble: Assemble,
    began: datetime,
) -> dict[str, Snapshot]:
    """A snapshot of each id, as old as its reading began; `candidates` are the rows found."""
    found = _Found(remote_ids)
    for part in BY_CANDIDATE:
        found.keep(part, _readable(api, found, part, "candidate_ids", remote_ids))
    for part in (*BY_APPLICATION, *ON_EITHER):
        ids = list(found.applications)
        found.keep(part, _readable(api, found, part, "application_ids", ids))
    if "application" in found.unreadable:
        found.unreadable.update(BY_APPLICATION, ON_EITHER)
    return {
        remote_id: _snapshot(remote_id, candidates.get(remote_id), found, assemble, began)
        for remote_id in remote_ids
    }


def _readable(api: Api, found: _Found, part: str, parameter: str, ids: Sequence[str]) -> list[Json]:
    try:
        return api.by_ids(_LISTS[part], parameter, ids)
    except ConnectorError as error:
        # 404 of a list is a route that this account does not have: it proves nothing absent.
        if error.code not in ("forbidden", "not_found"):
            raise
        found.unreadable.add(part)
        return []


def _snapshot(
    remote_id: str, candidate: Json | None, found: _Found, assemble: Assemble, began: datetime
) -> Snapshot:
    rows = found.of(remote_id)
    leaves = dict(paths.leaves(candidate, "candidate")) if candidate else {}
    for part, items in rows.items():
        for row in items:
            leaves.update(_leaves(part, row))
    known = candidate is not None and "application" not in found.unreadable
    return Snapshot(
        remote_id=remote_id,
        found=candidate is not None,
        leaves=leaves,
        unreadable=frozenset(found.unreadable),
        candidate=assemble(candidate, rows) if candidate is not None and known else None,
        read_at=began,
    )


def _leaves(part: str, row: Json) -> Iterable[tuple[str, Scalar]]:
    """`part.id.…`, and `note.TYPE.id.…`: what a note is decides which field erases it."""
    kind = f"{part}.{row.get('type')}" if part == "note" else part
    for path, value in paths.leaves(row, f"{kind}.{row.get('id')}"):
        # A signed link opens the file to whoever holds it, and changes at each read.
        yield path, bool(value) if part == "attachment" and path.endswith(".url") else value
