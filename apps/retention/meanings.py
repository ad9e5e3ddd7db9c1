"""Pure: what the words of an ATS mean, as a connection's mapping says.

Three kinds of words. A *status* says what an application is; a *stage* says more of one that is
in process or unknown; a *reason* says how one that was rejected ended. So the status speaks
first, then the stage or the reason. A word nobody mapped leaves what the vendor's documents say.
A tag is no such word: it is read with the candidate and not kept (connectors, `pool_tags`).

A category brings its trigger with it: the date a period runs from is the one of the new category
(rules of the pack), and when the ATS gives no such date, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Kind = Literal["status", "stage", "reason"]
#: `sourced`: found by a recruiter, whom nobody examines for a job yet (a prospect).
Meaning = Literal["open", "rejected", "withdrawn", "hired", "sourced"]

KINDS: Final[tuple[Kind, ...]] = ("status", "stage", "reason")
MEANINGS: Final[Mapping[Kind, tuple[Meaning, ...]]] = {
    "status": ("open", "rejected", "withdrawn", "hired", "sourced"),
    "stage": ("open", "rejected", "withdrawn", "hired", "sourced"),
    "reason": ("rejected", "withdrawn"),
}


class Stands(NamedTuple):
    """What an application is: Application.state, and whether a recruiter made it."""

    state: str
    prospect: bool


@dataclass(frozen=True, slots=True)
class Words:
    """Where an application stands in the ATS's own words, and what its documents say of it."""

    native: Stands
    status: str = ""
    stage: str = ""
    reason: str = ""

    def of(self, kind: Kind) -> str:
        said: str = getattr(self, kind)
        return said


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of a connection with its meaning."""

    kind: Kind
    word: str
    meaning: Meaning


Table = Mapping[tuple[Kind, str], Meaning]


def table(entries: Iterable[Entry]) -> Table:
    return {(one.kind, one.word): one.meaning for one in entries}


def stands(words: Words, said: Table) -> Stands:
    """What an application with these words is under a mapping."""
    found = words.native
    for kind in KINDS:
        meaning = said.get((kind, words.of(kind))) if speaks(kind, found) else None
        if meaning is not None:
            found = _as(meaning, found)
    return found


def speaks(kind: Kind, so_far: Stands) -> bool:
    """Whether a word of this kind says something of an application that is this so far."""
    if kind == "stage":
        return so_far.state in {"open", "unknown"}
    return kind == "status" or so_far.state == "rejected"


def unmapped(words: Words, said: Table) -> str:
    """The word that nobody mapped, of an application whose state is unknown; else "".

    The stage, where there is one: it says more than a status that has not said enough.
    """
    if stands(words, said).state != "unknown":
        return ""
    return words.stage or words.status


def _as(meaning: Meaning, found: Stands) -> Stands:
    if meaning == "sourced":
        return Stands("open", prospect=True)
    return Stands(meaning, found.prospect)
