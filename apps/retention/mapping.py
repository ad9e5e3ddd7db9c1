"""Mappings: what the words of an ATS mean for the algebra, per connection, in versions.

An edit writes one row and touches no record: what applications are is worked out from the words
each time. Records whose applications become something else are marked to be looked at again, so
that until then nothing of theirs is due.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.accounts.models import Role
from apps.accounts.selectors import require_role, roles
from apps.audit import services as audit
from apps.connectors.models import Connection
from apps.core import canonical, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid, Missing
from apps.keys import services as keys
from apps.retention import events, facts, grounds, held, mapped, mapping_sql, meanings
from apps.retention.mapped import Book
from apps.retention.meanings import Entry
from apps.retention.models import Mapping
from apps.subjects import services as subjects

#: Beyond so many records all of them are worked out at once: naming each would cost more.
_NAMED = 20_000


@dataclass(frozen=True, slots=True)
class Moved:
    """Records that fare alike: what they are now (listing.OUTCOMES) and what they would be."""

    was: str
    becomes: str
    records: int
    #: Some of them.
    examples: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Preview:
    """What other entries would do, on the records that are there; nothing is written."""

    #: Records with an application that would become something else.
    touched: int
    moved: tuple[Moved, ...]
    #: How many no legal hold would keep any more.
    let_go: int = 0

    def becoming(self, outcome: str) -> int:
        """How many would newly be so."""
        return sum(
            one.records for one in self.moved if one.becomes == outcome and one.was != outcome
        )


def preview(*, connection_id: UUID, entries: Sequence[Entry], as_of: date) -> Preview:
    """Whom it would touch and what becomes of them on a day. Raises Missing, Invalid."""
    _checked(connection_id, entries)
    before, after = mapped.book(), mapped.book({connection_id: entries})
    standings = mapped.changed(before, after)
    touched = _records(standings)
    if not touched:
        return Preview(0, ())
    named = len(touched) <= _NAMED
    given = {
        **facts.now_in_force(as_of),
        **facts.cell_arrays(facts.places(facts.cells())),
        **mapped.arrays(after),
        "everyone": not named,
        "records": touched if named else [],
        "standings": standings,
    }
    moved = tuple(Moved(*row) for row in _rows(mapping_sql.PREVIEW, given))
    lost = len(held.let_go(before, after))
    return Preview(sum(one.records for one in moved), moved, lost)


@transaction.atomic
def change_mapping(
    *, actor: Actor, connection_id: UUID, entries: Sequence[Entry], version: int
) -> Mapping:
    """The connection's mapping from now on, written upon `version` (0: there is none yet).

    Raises Refused, Missing, Invalid for a word or a meaning that cannot be or when nothing
    would change, Conflict when somebody wrote another version meanwhile, or `held` when a legal
    hold would let go of anybody: a DPO's to decide.
    """
    require_role(actor, Role.RECOPS, Role.DPO)
    _checked(connection_id, entries)
    Connection.objects.select_for_update(no_key=True).get(pk=connection_id)
    before = mapped.current(connection_id)
    if version != (before.version if before else 0):
        message = _("Somebody changed this mapping meanwhile: look at it again.")
        raise Conflict("mapping_moved", message)
    if set(entries) == set(mapped.entries(before)):
        raise Invalid("mapping_same", _("Nothing was changed."), field="entries")
    meant = mapped.book()
    wanted = sorted([one.kind, one.word, one.meaning] for one in entries)
    made = Mapping.objects.create(
        connection_id=connection_id, version=version + 1, entries=wanted, made_by_id=actor.id
    )
    means = mapped.book()
    if not _is_dpo(actor):
        _check_holds(meant, means)
    moved = subjects.look_again(standings=mapped.changed(meant, means))
    audit.record(
        events.MAPPING_CHANGED,
        actor=actor,
        object_id=connection_id,
        counts={"version": made.version, "words": len(wanted), "records": moved},
        commitments={"mapping": keys.digest("mapping", canonical.dumps(wanted).decode())},
    )
    if moved:
        grounds.refresh(actor=actor)
    return made


def _is_dpo(actor: Actor) -> bool:
    return Role.DPO in roles(actor.id, scope.current())


def _check_holds(before: Book, after: Book) -> None:
    if lost := held.let_go(before, after):
        message = ngettext(
            "A legal hold would keep %(count)d record no longer. Ask a DPO to save this.",
            "A legal hold would keep %(count)d records no longer. Ask a DPO to save this.",
            len(lost),
        )
        raise Conflict("held", message % {"count": len(lost)})


def _checked(connection_id: UUID, entries: Sequence[Entry]) -> None:
    if not Connection.objects.filter(pk=connection_id).exists():
        raise Missing("connection", _("There is no such connection."))
    for one in entries:
        if one.kind not in meanings.KINDS or not one.word.strip():
            message = _("Map a status, a stage or a reason of the ATS.")
            raise Invalid("word", message, field="entries")
        if one.meaning not in meanings.MEANINGS[one.kind]:
            message = _("“%(word)s” cannot mean that. Use one of: %(meanings)s.")
            names = ", ".join(meanings.MEANINGS[one.kind])
            raise Invalid(
                "meaning", message % {"word": one.word, "meanings": names}, field="entries"
            )
    twice = [
        word for (_kind, word), n in Counter((e.kind, e.word) for e in entries).items() if n > 1
    ]
    if twice:
        message = _("“%(word)s” is mapped twice. Give it one meaning.")
        raise Invalid("word_twice", message % {"word": twice[0]}, field="entries")


def _records(standings: Sequence[int]) -> list[UUID]:
    """Up to one more than are worth naming."""
    given = {"controller": scope.current(), "standings": list(standings), "limit": _NAMED + 1}
    return [row[0] for row in _rows(mapping_sql.TOUCHED, given)] if standings else []


@transaction.atomic
def _rows(statement: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        grounds.for_many_rows(cursor)
        cursor.execute(statement, given)
        return cast("list[tuple[Any, ...]]", cursor.fetchall())
