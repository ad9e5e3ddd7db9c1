"""Entries of the ledger for reading: a sentence, who, when, about what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.audit import selectors as audit
from apps.audit.selectors import Shown
from apps.console import people

#: A record's own story is short; the ledger page shows everything.
STORY = 30


@dataclass(frozen=True, slots=True)
class Line:
    index: int
    at: datetime
    verb: str
    sentence: str
    who: str
    object_id: UUID | None
    #: Of which kind the object is, as far as a link is concerned: record, plan or nothing.
    target: str


def lines(entries: Sequence[Shown]) -> list[Line]:
    names = people.actors({(entry.body.actor_kind, entry.body.actor_id) for entry in entries})
    return [_line(entry, names[entry.body.actor_kind, entry.body.actor_id]) for entry in entries]


def lines_about(object_ids: Iterable[UUID]) -> list[Line]:
    """What the ledger says about these objects, oldest first."""
    found = [
        entry
        for object_id in object_ids
        for entry in audit.entries(object_id=object_id, limit=STORY)
    ]
    return lines(sorted(found, key=lambda entry: entry.index))


def _line(entry: Shown, who: str) -> Line:
    return Line(
        index=entry.index,
        at=entry.body.at,
        verb=entry.body.verb,
        sentence=entry.sentence,
        who=who,
        object_id=entry.body.object,
        target=_target(entry.body.verb),
    )


def _target(verb: str) -> str:
    room = verb.split(".", 1)[0]
    return {"plan": "plan", "step": "record", "hold": "record", "record": "record"}.get(room, "")
