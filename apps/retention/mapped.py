"""Reads about mappings: what the words of a connection mean, and which ones nobody mapped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count

from apps.retention import meanings
from apps.retention.meanings import Entry, Kind, Meaning, Stands, Words
from apps.retention.models import Mapping as MappingVersion
from apps.subjects.models import Application, Record, Standing


@dataclass(frozen=True, slots=True)
class Book:
    """What is meant in the scope, by the id of a standing."""

    #: What applications there are, where the mapping says otherwise than the vendor.
    stands: Mapping[int, Stands]
    #: The word that nobody mapped, where the state is unknown.
    unmapped: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Applied:
    """An application with what it is by the mapping, and what the ATS says in its own words."""

    application: Application
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a connection: how many applications it speaks for, and what they are now."""

    kind: Kind
    word: str
    #: None: nobody mapped it.
    meaning: Meaning | None
    applications: int
    #: How many of them are what, the most first: Application.state → number.
    now: Mapping[str, int]

    @property
    def undecided(self) -> int:
        return self.now.get("unknown", 0)


def current(connection_id: UUID) -> MappingVersion | None:
    """The version in force; None: nobody mapped anything yet."""
    rows = MappingVersion.objects.select_related("made_by").filter(connection_id=connection_id)
    return rows.order_by("-version").first()


def versions(connection_id: UUID) -> list[MappingVersion]:
    """Every version, the last one first."""
    rows = MappingVersion.objects.select_related("made_by").filter(connection_id=connection_id)
    return list(rows.order_by("-version"))


def entries(version: MappingVersion | None) -> tuple[Entry, ...]:
    return tuple(Entry(*one) for one in version.entries) if version is not None else ()


def book(imagined: Mapping[UUID, Sequence[Entry]] | None = None) -> Book:
    """What every word means; `imagined` entries stand in for those of their connections."""
    latest = MappingVersion.objects.order_by("connection_id", "-version").distinct("connection_id")
    said = {one.connection_id: meanings.table(entries(one)) for one in latest}
    said |= {of: meanings.table(given) for of, given in (imagined or {}).items()}
    stands: dict[int, Stands] = {}
    unmapped: dict[int, str] = {}
    for pk, (connection_id, words) in _standings().items():
        table = said.get(connection_id, {})
        found = meanings.stands(words, table)
        if found != words.native:
            stands[pk] = found
        if word := meanings.unmapped(words, table):
            unmapped[pk] = word
    return Book(stands, unmapped)


def arrays(found: Book) -> dict[str, Any]:
    """A book as the parallel arrays that grounds_sql.MEANT takes."""
    return {
        "meant_standings": list(found.stands),
        "meant_states": [one.state for one in found.stands.values()],
        "meant_prospects": [one.prospect for one in found.stands.values()],
    }


def now() -> dict[str, Any]:
    """The arrays of what is meant now."""
    return arrays(book())


def words(connection_id: UUID) -> list[Word]:
    """Every word that says something of an application kept here, those that leave the most
    applications undecided first, then those of the most applications."""
    said = meanings.table(entries(current(connection_id)))
    kept = Application.objects.filter(standing__connection_id=connection_id)
    rows = kept.exclude(record__state=Record.State.ERASED).values_list("standing_id")
    counted = dict(rows.annotate(n=Count("pk")))
    now: dict[tuple[Kind, str], Counter[str]] = defaultdict(Counter)
    for pk, (of, one) in _standings().items():
        if of != connection_id or not counted.get(pk):
            continue
        found = meanings.stands(one, said)
        for kind in _spoken(one, said):
            now[kind, one.of(kind)][found.state] += counted[pk]
    listed = [
        Word(kind, word, said.get((kind, word)), sum(states.values()), dict(states.most_common()))
        for (kind, word), states in now.items()
    ]
    return sorted(listed, key=lambda one: (-one.undecided, -one.applications, one.word))


def applications(record_id: UUID) -> list[Applied]:
    """Those of a record, the oldest first."""
    meant = book()
    rows = Application.objects.select_related("standing").filter(record_id=record_id)
    found = []
    for one in rows.order_by("applied_on", "pk"):
        stands = meant.stands.get(one.standing_id or 0, Stands(one.state, one.prospect))
        said = str(one.standing) if one.standing is not None else ""
        found.append(Applied(one, stands.state, said))
    return found


def changed(before: Book, after: Book) -> list[int]:
    """Standings whose applications are something else under the other book."""
    everyone = before.stands.keys() | after.stands.keys()
    return sorted(pk for pk in everyone if before.stands.get(pk) != after.stands.get(pk))


def _spoken(one: Words, said: meanings.Table) -> Iterable[Kind]:
    """The kinds of words that say something of an application, mapped or not."""
    by_status = meanings.stands(Words(one.native, one.status), said)
    by_stage = meanings.stands(Words(one.native, one.status, one.stage), said)
    so_far: Mapping[Kind, Stands] = {"status": one.native, "stage": by_status, "reason": by_stage}
    return (kind for kind in meanings.KINDS if one.of(kind) and meanings.speaks(kind, so_far[kind]))


def _standings() -> dict[int, tuple[UUID, Words]]:
    rows = Standing.objects.order_by("pk").values_list(
        "pk", "connection_id", "status", "stage", "reason", "state", "prospect"
    )
    return {
        pk: (of, Words(Stands(state, prospect), status, stage, reason))
        for pk, of, status, stage, reason, state, prospect in rows
    }
