"""Everything Harvest v3 returns about candidates, flattened: what an erasure is judged by.

Parts are read by candidate or, where the list takes no `candidate_ids`, by application. They
are read for an id that is gone too: a file that outlives its candidate is a residue. A part
the credential may not read is named `unreadable`, and is never taken for clean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.connectors import paths
from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse.api import Api, Json
from apps.connectors.port import RemoteCandidate, Scalar, Snapshot
from apps.core import clock

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
_LISTS = BY_CANDIDATE | BY_APPLICATION
LISTS = ("candidates", *_LISTS.values())

Rows = dict[str, list[Json]]
Assemble = Callable[[Json, Rows], RemoteCandidate]


@dataclass(slots=True)
class _Found:
    """Rows by part and candidate id."""

    rows: dict[str, Rows] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    unreadable: set[str] = field(default_factory=set)

    def of(self, remote_id: str) -> Rows:
        return {part: owners[remote_id] for part, owners in self.rows.items()}


def snapshots(
    api: Api, remote_ids: Sequence[str], candidates: Mapping[str, Json], assemble: Assemble
) -> dict[str, Snapshot]:
    """A snapshot of each id; `candidates` are the rows found of them."""
    found = _Found()
    for part in BY_CANDIDATE:
        rows = _readable(api, found, part, remote_ids)
        _keep(found, part, ((str(row.get("candidate_id")), row) for row in rows))
    owners = {
        str(row["id"]): remote_id
        for remote_id, rows in found.rows["application"].items()
        for row in rows
    }
    for part in BY_APPLICATION:
        rows = _readable(api, found, part, list(owners))
        _keep(found, part, ((owners.get(str(r.get("application_id")), ""), r) for r in rows))
    if "application" in found.unreadable:
        found.unreadable.update(BY_APPLICATION)
    return {
        remote_id: _snapshot(remote_id, candidates.get(remote_id), found, assemble)
        for remote_id in remote_ids
    }


def _readable(api: Api, found: _Found, part: str, owners: Sequence[str]) -> list[Json]:
    parameter = "candidate_ids" if part in BY_CANDIDATE else "application_ids"
    try:
        return api.by_ids(_LISTS[part], parameter, owners)
    except ConnectorError as error:
        # 404 of a list is a route that this account does not have: it proves nothing absent.
        if error.code not in ("forbidden", "not_found"):
            raise
        found.unreadable.add(part)
        return []


def _keep(found: _Found, part: str, owned: Iterable[tuple[str, Json]]) -> None:
    for owner, row in owned:
        found.rows[part][owner].append(row)


def _snapshot(
    remote_id: str, candidate: Json | None, found: _Found, assemble: Assemble
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
        read_at=clock.now(),
    )


def _leaves(part: str, row: Json) -> Iterable[tuple[str, Scalar]]:
    """`part.id.…`, and `note.TYPE.id.…`: what a note is decides which field erases it."""
    kind = f"{part}.{row.get('type')}" if part == "note" else part
    for path, value in paths.leaves(row, f"{kind}.{row.get('id')}"):
        # A signed link opens the file to whoever holds it, and changes at each read.
        yield path, bool(value) if part == "attachment" and path.endswith(".url") else value
