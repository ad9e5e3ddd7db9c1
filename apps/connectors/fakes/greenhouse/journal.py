"""What was asked and what it did: the witness that tests count calls and effects by.

Holds ids, never a value about a person: of the query only ids, windows and sizes are kept,
of an e-mail search only that there was one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import instants
from .answers import Answer, Request
from .state import Json, State, dumps

_KEPT = frozenset(
    {"ids", "candidate_ids", "application_ids", "job_ids", "per_page", "created_at", "updated_at"}
    | {"last_activity_at", "status", "type", "fields"}
)


def shown(query: Mapping[str, str]) -> Json:
    return {name: value if name in _KEPT else "…" for name, value in sorted(query.items())}


@dataclass(frozen=True, slots=True)
class Journal:
    state: State

    def called(
        self,
        request: Request,
        answer: Answer,
        *,
        candidate_ids: Sequence[int] = (),
        fault: str | None = None,
    ) -> None:
        """`status` is None when no answer left the house."""
        self.state.insert(
            "INSERT INTO journal (at, method, path, query, candidate_ids, status, effect, fault,"
            " request_id) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                instants.now(),
                request.method,
                request.path,
                dumps(shown(request.query)),
                dumps(list(candidate_ids or answer.candidate_ids)),
                None if answer.lost else answer.status,
                answer.effect,
                fault,
                request.id,
            ),
        )

    def took_effect(
        self, candidate_id: int, action: str, *, fields: Sequence[str] = (), request_id: str
    ) -> None:
        """One thing really done to one candidate, when it was done."""
        self.state.insert(
            "INSERT INTO effect (at, candidate_id, action, fields, request_id) VALUES (?,?,?,?,?)",
            (instants.now(), candidate_id, action, dumps(list(fields)), request_id),
        )

    def calls(self, *, after: int = 0) -> list[Json]:
        rows = self.state.all("SELECT * FROM journal WHERE n > ? ORDER BY n", (after,))
        return [
            dict(row)
            | {
                "query": json.loads(row["query"]),
                "candidate_ids": json.loads(row["candidate_ids"]),
                "effect": bool(row["effect"]),
            }
            for row in rows
        ]

    def effects(self, *, after: int = 0) -> list[Json]:
        rows = self.state.all("SELECT * FROM effect WHERE n > ? ORDER BY n", (after,))
        return [dict(row) | {"fields": json.loads(row["fields"])} for row in rows]
