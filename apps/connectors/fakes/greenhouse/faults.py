"""What may go wrong, on command: for named candidates or for all, a number of times or always.

A fault that names candidates strikes only requests that name one of them (in the path, in
`ids=` or in `candidate_ids=`). `methods` and `path` (a part of it) in the settings narrow
it further. The settings of each fault:

    rate_limited            seconds (1)            429, nothing done
    server_error            status (500)           5xx, nothing done
    timeout_before_effect   seconds (30)           held that long, then closed; nothing done
    timeout_after_effect    seconds (30)           done, then held and closed without answer
    cut_connection                                 done, the answer stops half-way
    half_done               keep (half of them)    anonymizes only the first `keep` fields
    silent_ignore           fields, lie (false)    answers 200, leaves these fields alone
    merged                  into                   merged into that living id before the call
    gone_from_ids                                  `GET /v3/candidates?ids=` leaves it out
    webhook_lost            action (any)           the event is never sent
    scope_lost              scope (any), status (403)
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .answers import Unprocessable
from .state import Json, State, dumps

NAMES = frozenset(
    {
        "rate_limited",
        "server_error",
        "timeout_before_effect",
        "timeout_after_effect",
        "cut_connection",
        "half_done",
        "silent_ignore",
        "merged",
        "gone_from_ids",
        "webhook_lost",
        "scope_lost",
    }
)


#: Settings which narrow a fault to one exact scope or webhook action.
_EXACT = ("scope", "action")


@dataclass(frozen=True, slots=True)
class Fault:
    n: int
    name: str
    candidate_ids: frozenset[int] | None
    settings: Json

    def get(self, name: str, default: Any) -> Any:
        return self.settings.get(name, default)

    def strikes(self, candidate_ids: Collection[int], facts: Mapping[str, str]) -> bool:
        if self.candidate_ids is not None and self.candidate_ids.isdisjoint(candidate_ids):
            return False
        if "methods" in self.settings and facts.get("method") not in self.settings["methods"]:
            return False
        if self.get("path", "") not in facts.get("path", ""):
            return False
        return all(self.get(name, facts.get(name)) == facts.get(name) for name in _EXACT)


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults now on, kept in the state: a restart of the fake does not heal it."""

    state: State

    def add(self, body: Json) -> Json:
        """`{name, candidate_ids|null, times|null, …settings}`; answers with its number."""
        settings = dict(body)
        name, ids = settings.pop("name", None), settings.pop("candidate_ids", None)
        times = settings.pop("times", None)
        if name not in NAMES:
            raise Unprocessable({"name": f"is not one of: {', '.join(sorted(NAMES))}"})
        if name == "merged" and (not ids or "into" not in settings):
            raise Unprocessable({"merged": "needs candidate_ids and into"})
        number = self.state.insert(
            "INSERT INTO fault (name, candidate_ids, times, settings) VALUES (?,?,?,?)",
            (name, None if ids is None else dumps(ids), times, dumps(settings)),
        )
        return {"n": number}

    def clear(self) -> Json:
        return {"removed": self.state.execute("DELETE FROM fault")}

    def on(self) -> list[Json]:
        rows = self.state.all("SELECT * FROM fault ORDER BY n")
        return [
            {
                "n": row["n"],
                "name": row["name"],
                "candidate_ids": json.loads(row["candidate_ids"] or "null"),
                "times": row["times"],
                **json.loads(row["settings"]),
            }
            for row in rows
        ]

    def strike(self, name: str, candidate_ids: Collection[int], **facts: str) -> Fault | None:
        """The first fault of that name which applies, counted down; None otherwise.

        Facts are the `method`, `path`, `scope` or `action` of what is about to happen.
        """
        with self.state.lock:
            for fault in self._named(name):
                if fault.strikes(candidate_ids, facts):
                    self._count_down(fault)
                    return fault
        return None

    def _named(self, name: str) -> list[Fault]:
        rows = self.state.all(
            "SELECT * FROM fault WHERE name=? AND (times IS NULL OR times > 0) ORDER BY n", (name,)
        )
        return [
            Fault(
                row["n"],
                name,
                None
                if row["candidate_ids"] is None
                else frozenset(json.loads(row["candidate_ids"])),
                json.loads(row["settings"]),
            )
            for row in rows
        ]

    def _count_down(self, fault: Fault) -> None:
        self.state.execute("UPDATE fault SET times = times - 1 WHERE n=?", (fault.n,))
