"""What a version of the policy, or one departure from it, would do; nothing is written.

Due today and to archive, who joins and who leaves what is due now, and month by month what is
still to come: by country, category and job. Where the version has the cells that are there
already, stored grounds are judged again; otherwise all facts are read, so that it also tells what
a first policy would do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core import scope
from apps.core.errors import Missing
from apps.retention import facts, mapped, placing
from apps.retention import simulation_sql as sql
from apps.retention.facts import Place
from apps.retention.grounds import for_many_rows
from apps.retention.models import Cell, Policy

#: Months after the present one that a simulation looks ahead.
AHEAD: Final = 24

#: Of what is due: all of it, what is not due now; what is due now and would be no longer.
Change = Literal["due", "archive", "joining", "leaving"]
CHANGES: Final[tuple[Change, ...]] = ("due", "archive", "joining", "leaving")
Dimension = Literal["country", "category", "job", "rule"]


@dataclass(frozen=True, slots=True)
class Departure:
    """An override that nobody has signed yet: the period of a rule, for all jobs or for one."""

    rule: str
    duration: str
    job: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Records that fare alike, and how many. `month`: when they leave the active base, if later
    than today and within sight; `to_archive`: for the intermediate archive."""

    country: str
    category: str
    rule: str
    job: str
    month: date | None
    #: due | archive | later | "" for none of them
    outcome: str
    to_archive: bool
    was_due: bool
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """Numbers of records. `coming`: they leave the active base in the months shown."""

    due: int = 0
    archive: int = 0
    joining: int = 0
    leaving: int = 0
    coming: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A record whose lot a simulation tells."""

    record_id: UUID
    rule: str
    outcome: str
    due_on: date | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would be on a day; held people are in none of the numbers."""

    as_of: date
    cases: tuple[Case, ...] = ()
    total: int = 0
    archive: int = 0
    #: Due on that day under what governs now.
    now: int = 0
    joining: int = 0
    leaving: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    #: First day of a month → how many become due in it, after that day; the present month and
    #: the AHEAD months after it.
    by_month: dict[date, int] = field(default_factory=dict)
    #: The same for what goes to the archive.
    archive_by_month: dict[date, int] = field(default_factory=dict)

    def by(self, dimension: Dimension) -> dict[str, Effect]:
        """The same numbers for each country, category, job or rule, the most due first."""
        found: dict[str, list[Case]] = defaultdict(list)
        for one in self.cases:
            found[getattr(one, dimension)].append(one)
        effects = {name: _effect(cases) for name, cases in found.items()}
        return dict(sorted(effects.items(), key=lambda pair: (-pair[1].due, pair[0])))

    def as_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(),
            "total": self.total,
            "archive": self.archive,
            "now": self.now,
            "joining": self.joining,
            "leaving": self.leaving,
            "by_rule": self.by_rule,
            "by_month": _months_as_json(self.by_month),
            "archive_by_month": _months_as_json(self.archive_by_month),
        }


def simulate(*, policy_id: UUID, as_of: date, departure: Departure | None = None) -> Simulation:
    """As if the version, with its overrides and the departure, governed its country on that
    day. Raises Missing for an unknown version, Invalid for a departure that cannot be."""
    plan = _plan(policy_id, as_of, departure)
    rows = _rows(sql.TABLE if plan.stored else sql.TABLE_FROM_FACTS, plan.given)
    cases = tuple(Case(*plan.case(place), *rest) for place, *rest in rows)
    due = [one for one in cases if one.outcome == "due"]
    later = [one for one in cases if one.month is not None]
    effect = _effect(cases)
    return Simulation(
        as_of=as_of,
        cases=cases,
        total=effect.due,
        archive=effect.archive,
        now=_count(one for one in cases if one.was_due),
        joining=effect.joining,
        leaving=effect.leaving,
        by_rule={key: one.due for key, one in Simulation(as_of, tuple(due)).by("rule").items()},
        by_month=_by_month(as_of, (one for one in later if not one.to_archive)),
        archive_by_month=_by_month(as_of, (one for one in later if one.to_archive)),
    )


def count_due(*, policy_id: UUID, as_of: date, departure: Departure | None = None) -> int | None:
    """How many would be due, read from the index that `due` reads; None for a version whose
    cells are not there yet. Raises Missing."""
    plan = _plan(policy_id, as_of, departure)
    return int(_rows(sql.COUNT, plan.given)[0][0]) if plan.stored else None


def count_by_rule(*, policy_id: UUID, as_of: date) -> dict[str, int] | None:
    """The same for each rule that decides."""
    plan = _plan(policy_id, as_of, None)
    given = plan.given | {"connection": None, "limit": None}
    return dict(_rows(sql.COUNT_BY_RULE, given)) if plan.stored else None


def listed(
    *,
    policy_id: UUID,
    as_of: date,
    change: Change,
    departure: Departure | None = None,
    limit: int | None = None,
) -> list[Listed]:
    """The records behind the numbers, the longest due first. Raises Missing."""
    plan = _plan(policy_id, as_of, departure)
    statement = sql.LIST if plan.stored else sql.LIST_FROM_FACTS
    rows = _rows(statement, plan.given | {"change": change, "limit": limit})
    return [Listed(pk, plan.case(place)[2], outcome, due_on) for pk, place, outcome, due_on in rows]


def months(as_of: date) -> list[date]:
    """First days: of the present month, of the AHEAD after it, and of the one that ends them."""
    first = as_of.replace(day=1)
    return [first + relativedelta(months=n) for n in range(AHEAD + 2)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Parameters of a statement. `stored`: grounds that are there can be judged."""

    stored: bool
    given: dict[str, Any]
    #: Country, category and rule of each period, in the order of the statement's places.
    named: Sequence[tuple[str, str, str]]

    def case(self, place: int | None) -> tuple[str, str, str]:
        """Of a place as simulation_sql.py counts it."""
        if place is None:
            return ("", "", "")
        if place <= 0:
            rule = "erasure" if place == 0 else "resurrected"
            return ("", rule, rule)
        return self.named[place - 1]


def _plan(policy_id: UUID, as_of: date, departure: Departure | None) -> _Plan:
    policy: Policy | None = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise Missing("policy", _("There is no such policy version."))
    departures = placing.departures(policy)
    if departure is not None:
        placing.check(policy, departure.rule, departure.duration, departure.job)
        departures[departure.rule, departure.job] = departure.duration
    present = facts.cells()
    own = [one for one in present if one.country == policy.country]
    wanted = placing.wanted(policy, departures, own)
    stored = all(_same(wanted.get((one.rule, one.job)), one) for one in own) and len(own) == len(
        wanted
    )
    places, durations = _placed(policy, wanted, own)
    elsewhere = [one for one in present if one.country != policy.country]
    kept = {one.pk for one in elsewhere}
    governing = facts.in_force(as_of)
    in_force = [one for one in governing if one[0] in kept]
    in_force += [
        (place.id, place.rule, duration) for place, duration in zip(places, durations, strict=True)
    ]
    in_force.sort(key=lambda one: (one[1], one[0]))
    given = {
        "controller": scope.current(),
        "everyone": True,
        "records": [],
        "until": months(as_of)[-1],
        **facts.cell_arrays(facts.spread([*facts.stored_places(elsewhere), *places])),
        **facts.period_arrays(in_force, as_of),
        **facts.period_arrays(governing, as_of, prefix="now"),
        **mapped.now(),
    }
    named = _named(policy, places, wanted, elsewhere)
    return _Plan(stored, given, [(*named[pk], rule) for pk, rule, _duration in in_force])


def _placed(
    policy: Policy, wanted: Mapping[tuple[str, str], placing.Wanted], own: Sequence[Cell]
) -> tuple[list[Place], list[str]]:
    """The version's cells, those that are there under their own ids, and their periods."""
    there = {(one.rule, one.job): one for one in own}
    places, durations = [], []
    for number, ((rule, job), one) in enumerate(sorted(wanted.items()), 1):
        cell = there.get((rule, job))
        pk = cell.pk if cell is not None and _same(one, cell) else -number
        places.append(Place(pk, policy.country, rule, one.trigger, job, one.outlives))
        durations.append(one.duration)
    return places, durations


def _same(wanted: placing.Wanted | None, cell: Cell) -> bool:
    return wanted is not None and (wanted.trigger, wanted.outlives) == (cell.trigger, cell.outlives)


def _named(
    policy: Policy,
    places: Sequence[Place],
    wanted: Mapping[tuple[str, str], placing.Wanted],
    elsewhere: Iterable[Cell],
) -> dict[int, tuple[str, str]]:
    named = {one.pk: (one.country, one.category) for one in elsewhere}
    for one in places:
        named[one.id] = (policy.country, wanted[one.rule, one.job].category)
    return named


def _effect(cases: Iterable[Case]) -> Effect:
    found = list(cases)
    return Effect(
        due=_count(one for one in found if one.outcome == "due"),
        archive=_count(one for one in found if one.outcome == "archive"),
        joining=_count(one for one in found if one.outcome == "due" and not one.was_due),
        leaving=_count(one for one in found if one.outcome != "due" and one.was_due),
        coming=_count(one for one in found if one.month is not None),
    )


def _count(cases: Iterable[Case]) -> int:
    return sum(one.count for one in cases)


def _by_month(as_of: date, cases: Iterable[Case]) -> dict[date, int]:
    found = dict.fromkeys(months(as_of)[:-1], 0)
    for one in cases:
        if one.month is not None:
            found[one.month] += one.count
    return found


def _months_as_json(counted: Mapping[date, int]) -> dict[str, int]:
    return {month.isoformat(): n for month, n in counted.items()}


@transaction.atomic
def _rows(statement: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        for_many_rows(cursor)
        # Few cases come out of many rows, which the planner cannot know: count, do not sort.
        cursor.execute("SELECT set_config('enable_sort', 'off', true)")
        cursor.execute(statement, given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
