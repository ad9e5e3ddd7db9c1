"""Pure: whom a legal hold's query holds. What is not known may be meant, so it is held too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from apps.retention.derivation import ApplicationFacts, Facts


@dataclass(frozen=True, slots=True)
class Query:
    """Records with an application that meets every criterion; an empty one is met by all.

    `states` are those of applications; days are local dates, both included.
    """

    connection_id: UUID | None = None
    countries: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    applied_from: date | None = None
    applied_until: date | None = None

    @property
    def empty(self) -> bool:
        return self == Query()

    @property
    def asks_application(self) -> bool:
        """Whether a record without any application cannot be meant."""
        days = (self.applied_from, self.applied_until)
        return bool(self.jobs or self.states) or any(day is not None for day in days)


def matches(query: Query, facts: Facts) -> bool:
    """Whether a record is held by a query; its whole family is then."""
    if facts.state == "erased":
        return False
    if query.connection_id is not None and query.connection_id != facts.connection_id:
        return False
    if not facts.applications:
        return not query.asks_application and _in_country(query, facts.country)
    return any(_met(query, one, facts.country) for one in facts.applications)


def _met(query: Query, one: ApplicationFacts, home: str) -> bool:
    return (
        (not query.jobs or one.job in query.jobs)
        and (not query.states or one.state in {*query.states, "unknown"})
        and _in_country(query, one.country or home)
        and _applied(query, one.applied.on if one.applied is not None else None)
    )


def _in_country(query: Query, country: str) -> bool:
    return not query.countries or not country or country in query.countries


def _applied(query: Query, on: date | None) -> bool:
    if on is None:
        return True
    since, until = query.applied_from or date.min, query.applied_until or date.max
    return since <= on <= until
