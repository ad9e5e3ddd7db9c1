"""What a version of the policy would do, as if it governed: due today, and month by month.

From the facts, in one pass over them, so that it also tells what a first policy would do. Nothing
is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Missing
from apps.retention import facts
from apps.retention import grounds_sql as sql
from apps.retention.grounds import for_many_rows, parameters
from apps.retention.models import Policy

#: Months after the present one that a simulation looks ahead.
AHEAD: Final = 24

# One row for each (rule, month): the record's deciding rule, and the month in which it becomes
# due; no month: due already. Records that are held, undecided or kept without end have none.
_SIMULATE: Final = f"""
{sql.FRESH}, {sql.PERIOD}, {sql.HELD},
judged AS (
    SELECT g.record_id, {sql.WEIGHT} AS weight, coalesce(p.rule, 'resurrected') AS rule,
           (g.anchor + p.span)::date AS ends_on
    FROM claim g LEFT JOIN period p ON p.id = g.cell_id
),
verdict AS (
    SELECT record_id, max(weight) AS weight, max(ends_on) AS last_day,
           (array_agg(rule ORDER BY weight DESC, ends_on DESC, rule COLLATE "C"))[1] AS rule
    FROM judged GROUP BY record_id
)
SELECT v.rule, CASE WHEN v.weight = 2 THEN date_trunc('month', v.last_day + 1)::date END AS month,
       count(*)
FROM verdict v
WHERE (v.weight = 1 OR v.weight = 2 AND v.last_day + 1 < %(until)s::date)
  AND v.record_id NOT IN (SELECT id FROM held)
GROUP BY 1, 2
"""  # noqa: S608 - constants only; values are parameters


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a policy version would make due on a day; nothing was written."""

    as_of: date
    total: int
    by_rule: dict[str, int]
    #: Due on that day under what governs now.
    now: int
    #: First day of a month → how many become due in it, after that day; the present month and
    #: the AHEAD months after it.
    by_month: dict[date, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(),
            "total": self.total,
            "by_rule": self.by_rule,
            "now": self.now,
            "by_month": {month.isoformat(): n for month, n in self.by_month.items()},
        }


def simulate(*, policy_id: UUID, as_of: date, now: int) -> Simulation:
    """As if the version, with its overrides, governed its country on that day; `now` is how
    many are due under what governs. Raises Missing."""
    policy: Policy | None = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise Missing("policy", _("There is no such policy version."))
    present = [one for one in facts.cells() if one.country != policy.country]
    cells = [(one.pk, one.country, one.rule, one.trigger) for one in present]
    elsewhere = {one.pk for one in present}
    in_force = [one for one in facts.in_force(as_of) if one[0] in elsewhere]
    overrides = {one.rule: one.duration for one in policy.overrides.order_by("signed_at", "pk")}
    with_periods = [one for one in policy.rules if not one["by_hand"]]
    for number, one in enumerate(with_periods, 1):
        duration = overrides.get(one["rule"], one["duration"])
        cells.append((-number, policy.country, one["rule"], one["trigger"]))
        in_force.append((-number, one["rule"], duration))
    given = parameters(everyone=True, records=[]) | facts.cell_arrays(cells)
    rows = _rows(given | facts.period_arrays(in_force, as_of) | {"until": months(as_of)[-1]})
    due = {rule: n for rule, month, n in rows if month is None}
    by_month = dict.fromkeys(months(as_of)[:-1], 0)
    for _rule, month, n in rows:
        if month is not None:
            by_month[month] += n
    return Simulation(as_of, sum(due.values()), due, now, by_month)


def months(as_of: date) -> list[date]:
    """First days: of the present month, of the AHEAD after it, and of the one that ends them."""
    first = as_of.replace(day=1)
    return [first + relativedelta(months=n) for n in range(AHEAD + 2)]


@transaction.atomic
def _rows(given: dict[str, Any]) -> list[tuple[str, date | None, int]]:
    with connection.cursor() as cursor:
        for_many_rows(cursor)
        cursor.execute(_SIMULATE, given)
        rows: list[tuple[str, date | None, int]] = cursor.fetchall()
        return rows
