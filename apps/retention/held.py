"""Reads about legal holds: cases, whom they hold, what was written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.core import crypto, scope
from apps.keys import services as keys
from apps.retention import due_sql, facts, mapped, reasons
from apps.retention.grounds_sql import put
from apps.retention.hold_rules import Query
from apps.retention.models import Hold, HoldCase
from apps.subjects import selectors as subjects

TABLE, COLUMN = "retention_hold", "sealed_reason"
CASES: Final = "retention_holdcase"

_BY_QUERY: Final = put(
    """
SELECT DISTINCT q.id, q.subject_id, q.sending_step
FROM (SELECT %(connection)s::uuid AS connection_id, %(countries)s::text[] AS countries,
             %(jobs)s::text[] AS jobs, %(states)s::text[] AS states,
             %(since)s::date AS applied_from, %(until)s::date AS applied_until) h
CROSS JOIN LATERAL ($MATCHED) q
""",
    MATCHED=due_sql.MATCHED,
)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a query meets. `sent`: steps of theirs that an ATS has been told already."""

    subject_ids: tuple[UUID, ...]
    record_ids: tuple[UUID, ...]
    sent: tuple[UUID, ...]

    @property
    def people(self) -> int:
        return len(self.subject_ids)


def cases() -> QuerySet[HoldCase]:
    """Cases of the scope, the living ones first, of those the next to review."""
    return HoldCase.objects.select_related("owner").order_by("released_at", "review_on", "number")


def living() -> QuerySet[HoldCase]:
    """Cases that were not released, the next to review first."""
    found: QuerySet[HoldCase] = HoldCase.objects.filter(released_at=None)
    return found.select_related("owner").order_by("review_on", "number")


def overdue(*, as_of: date) -> int:
    """How many living cases should have been reviewed by now."""
    return int(HoldCase.objects.filter(released_at=None, review_on__lte=as_of).count())


def holds() -> QuerySet[Hold]:
    """Persons held by name, the next to review first."""
    found: QuerySet[Hold] = Hold.objects.filter(released_at=None)
    return found.select_related("case").order_by("case__review_on", "pk")


def hold_of(subject_id: UUID) -> Hold | None:
    """The hold that keeps a person by name, or anyone they were merged with."""
    family = subjects.family(subject_id)
    return holds().filter(subject_id__in=family).first()


def holding(subject_id: UUID) -> list[HoldCase]:
    """Every case that holds a person, by name or by query (facts.py)."""
    return facts.holding(subject_id)


def is_held(subject_id: UUID) -> bool:
    return bool(facts.holding(subject_id))


def by_query(query: Query, meant: mapped.Book | None = None) -> Found:
    """Whom a query would hold now, those erased already left out; `meant` stands in for what
    the words of the ATS mean."""
    given = {
        "controller": scope.current(),
        "connection": query.connection_id,
        "countries": list(query.countries),
        "jobs": list(query.jobs),
        "states": list(query.states),
        "since": query.applied_from,
        "until": query.applied_until,
        **(mapped.now() if meant is None else mapped.arrays(meant)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_QUERY, given)
        rows: list[tuple[UUID, UUID, UUID | None]] = cursor.fetchall()
    return Found(
        subject_ids=tuple({subject for _pk, subject, _step in rows}),
        record_ids=tuple({pk for pk, _subject, _step in rows}),
        sent=tuple({step for _pk, _subject, step in rows if step is not None}),
    )


def found_by(case: HoldCase) -> Found:
    """Whom the case holds by its query now; nobody for a case without one."""
    return by_query(facts.query_of(case)) if case.by_query else Found((), (), ())


def let_go(before: mapped.Book, after: mapped.Book) -> set[UUID]:
    """Records that a living case holds by its query while words mean the one, and that no case
    holds by its query once they mean the other."""
    asking = HoldCase.objects.filter(by_query=True, released_at=None)
    queries = [facts.query_of(case) for case in asking.exclude(states=[])]
    kept, lost = (
        {pk for one in queries for pk in by_query(one, meant).record_ids}
        for meant in (after, before)
    )
    return lost - kept


def as_columns(query: Query) -> dict[str, Any]:
    return {
        "connection_id": query.connection_id,
        "countries": list(query.countries),
        "jobs": list(query.jobs),
        "states": list(query.states),
        "applied_from": query.applied_from,
        "applied_until": query.applied_until,
    }


def matter(case: HoldCase) -> str:
    """What was written, for showing, never for keeping; "" for a case about one person."""
    return _text(case, "sealed_matter")


def reason(case: HoldCase) -> str:
    return _text(case, "sealed_reason")


def hold_reason(hold: Hold) -> str:
    """What the DPO wrote about one person. Raises CryptoError."""
    key = keys.open_many([hold.subject_id]).get(hold.subject_id)
    if key is None:
        return reasons.open_one(hold.pk, bytes(hold.sealed_reason), table=TABLE)
    plain = crypto.open(
        key,
        bytes(hold.sealed_reason),
        table=TABLE,
        column=COLUMN,
        row=hold.pk,
    )
    return str(json.loads(plain)["reason"])


def _text(case: HoldCase, column: str) -> str:
    sealed = bytes(getattr(case, column))
    return reasons.open_one(case.pk, sealed, table=CASES, column=column) if sealed else ""
