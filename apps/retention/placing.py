"""Where a version applies: its cells, and the periods that run in them from a day on.

A cell stands for a rule in a country, or for one job there that departs from it. A job follows
its country in whatever it does not depart in, and again once a newer version says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.errors import Invalid
from apps.retention import periods
from apps.retention.models import Cell, Override, Period, Policy

#: W3C DPV: processing that a law demands; what it keeps, a request cannot end (art. 17(3)(b)).
_LEGAL_OBLIGATION = "A6-1-c"
#: Rules of a person, who has no job.
_OF_PERSON = ("talent_pool", "spontaneous")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a version wants of one cell."""

    category: str
    trigger: str
    outlives: bool
    #: ISO 8601 period; "" is switched off.
    duration: str


def place(policy: Policy, active_from: date) -> tuple[bool, int]:
    """Make the version govern from a day on: (must grounds be worked out again, periods written).

    Raises Invalid when what a period runs from changes on a day to come.
    """
    overrides = {
        (made.rule, made.job): made for made in policy.overrides.order_by("signed_at", "pk")
    }
    present = {(one.rule, one.job): one for one in Cell.objects.filter(country=policy.country)}
    moved = False
    found = wanted(policy, departures(policy), present.values())
    for (rule, job), one in sorted(found.items()):
        cell = present.get((rule, job))
        if cell is None:
            cell, moved = _new(policy, rule, job, one), True
        elif _moved(cell, one, active_from):
            moved = True
        made = overrides.get((rule, job)) or overrides.get((rule, ""))
        start(policy, cell, one.duration, active_from, made)
    return moved, len(found)


def departures(policy: Policy) -> dict[tuple[str, str], str]:
    """(rule, job) → the period of the override signed last."""
    rows = policy.overrides.order_by("signed_at", "pk")
    return {(made.rule, made.job): made.duration for made in rows}


def wanted(
    policy: Policy, departs: Mapping[tuple[str, str], str], present: Iterable[Cell]
) -> dict[tuple[str, str], Wanted]:
    """The cells of a country once the version governs it, by (rule, job).

    One for each rule with a period, for each job that an override names, and for what is there
    already: a job follows its country, and a rule this version no longer has is switched off,
    since by itself that makes nothing due.
    """
    rules = {one["rule"]: one for one in policy.rules if not one["by_hand"]}
    found = {}
    for one in present:
        found[one.rule, one.job] = Wanted(one.category, one.trigger, one.outlives, "")
    keys = {(rule, "") for rule in rules} | {(rule, job) for rule, job in departs if rule in rules}
    for rule, job in keys | {key for key in found if key[0] in rules}:
        one = rules[rule]
        duration = departs.get((rule, job), departs.get((rule, ""), one["duration"]))
        found[rule, job] = Wanted(one["category"], one["trigger"], outlives(one), duration)
    return found


def start(
    policy: Policy, cell: Cell, duration: str, starts: date, made: Override | None = None
) -> None:
    Period.objects.create(
        cell=cell, policy=policy, duration=duration, active_from=starts, override=made
    )


def depart(policy: Policy, made: Override, starts: date) -> bool:
    """The period of an override in a version that governs; whether its cell is new, so that
    grounds must be moved to it."""
    base = Cell.objects.get(country=policy.country, rule=made.rule, job="")
    if made.job:
        cell, new = Cell.objects.get_or_create(
            country=policy.country,
            rule=made.rule,
            job=made.job,
            defaults={
                "controller_id": policy.controller_id,
                "category": base.category,
                "trigger": base.trigger,
                "outlives": base.outlives,
            },
        )
        start(policy, cell, made.duration, starts, made)
        return new
    start(policy, base, made.duration, starts, made)
    own = set(policy.overrides.exclude(job="").filter(rule=made.rule).values_list("job", flat=True))
    followers = Cell.objects.filter(country=policy.country, rule=made.rule).exclude(job="")
    for cell in followers.exclude(job__in=own):
        start(policy, cell, made.duration, starts, made)
    return False


def check(policy: Policy, rule: str, duration: str, job: str = "") -> Mapping[str, Any]:
    """The phase that a departure is from, if there can be such a one.

    Raises Invalid for a rule the version does not have, a malformed period, or a job where the
    rule is about people without any.
    """
    known = {one["rule"]: one for one in policy.rules if not one["by_hand"]}
    if rule not in known:
        message = _("This version has no such rule. Use one of: %(names)s.")
        raise Invalid("unknown_rule", message % {"names": ", ".join(known)}, field="rule")
    try:
        periods.parse(duration or "P0D")
    except ValueError as error:
        message = _("Write the period as P3M, P2Y or P30D, or leave it empty to switch it off.")
        raise Invalid("duration", message, field="duration") from error
    if job.strip() and rule in _OF_PERSON:
        message = _("This rule is about people without a job: leave the job empty.")
        raise Invalid("no_job", message, field="job")
    found: Mapping[str, Any] = known[rule]
    return found


def outlives(rule: Mapping[str, Any]) -> bool:
    """Whether what the rule keeps stays when the person's erasure is granted: the pack names
    the exception (art. 17(3)(e)), or a law demands the keeping (art. 17(3)(b))."""
    if rule.get("details", {}).get("erasure_exception"):
        return True
    return any(basis.endswith(_LEGAL_OBLIGATION) for basis in rule.get("legal_basis", ()))


def _new(policy: Policy, rule: str, job: str, one: Wanted) -> Cell:
    made: Cell = Cell.objects.create(
        country=policy.country,
        category=one.category,
        rule=rule,
        job=job,
        trigger=one.trigger,
        outlives=one.outlives,
    )
    return made


def _moved(cell: Cell, one: Wanted, active_from: date) -> bool:
    """A ground holds one anchor: what it runs from cannot change on a day to come."""
    if (cell.trigger, cell.outlives) == (one.trigger, one.outlives):
        return False
    if active_from > clock.today(controllers.current().time_zone):
        message = _("This version changes the date a period runs from: it can only start today.")
        raise Invalid("trigger_changes", message, field="active_from")
    cell.trigger, cell.outlives = one.trigger, one.outlives
    cell.save(update_fields=["trigger", "outlives"])
    return True
