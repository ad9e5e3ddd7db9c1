"""Reads of this room."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.errors import Missing
from apps.erasure.models import Plan, Step
from apps.erasure.states import ERASED, LIVING, NEEDS_ATTENTION


@dataclass(frozen=True, slots=True)
class Progress:
    total: int
    by_state: dict[str, int]

    @property
    def ended(self) -> int:
        return sum(n for state, n in self.by_state.items() if state not in LIVING)

    @property
    def fraction(self) -> float:
        """0 to 1; 1 for a plan without steps."""
        return self.ended / self.total if self.total else 1.0


def plans() -> QuerySet[Plan]:
    """Plans of the scope, newest first."""
    return Plan.objects.select_related("connection", "policy", "decided_by").order_by("-number")


def plan(plan_id: UUID) -> Plan:
    """Raises Missing."""
    found = plans().filter(pk=plan_id).first()
    if found is None:
        raise Missing("plan", _("There is no such plan."))
    return found


def steps(plan_id: UUID, *, state: str | None = None) -> QuerySet[Step]:
    rows = Step.objects.filter(plan_id=plan_id).select_related("record")
    return (rows.filter(state=state) if state else rows).order_by("pk")


def progress(plan_id: UUID) -> Progress:
    return _progress(Step.objects.filter(plan_id=plan_id))


def all_progress() -> Progress:
    """Every step of the scope, by state."""
    return _progress(Step.objects.all())


def _progress(rows: QuerySet[Step]) -> Progress:
    by_state = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    return Progress(sum(by_state.values()), by_state)


def by_rule(plan_id: UUID) -> dict[str, int]:
    """How many records of a plan each rule makes due."""
    rows = Step.objects.filter(plan_id=plan_id).order_by("rule").values_list("rule")
    return dict(rows.annotate(n=Count("pk")))


def left_by_field(plan_id: UUID) -> list[tuple[str, str, int]]:
    """What readings showed to be left in a plan's records: (residue | unread, the vendor's name of
    the field, in how many records), the most first."""
    found: Counter[tuple[str, str]] = Counter()
    rows = Step.objects.filter(plan_id=plan_id, state__in=NEEDS_ATTENTION)
    for residue, unread in rows.values_list("residue", "unread").iterator():
        found.update(("residue", name) for name in residue)
        found.update(("unread", name) for name in unread)
    return [(kind, name, count) for (kind, name), count in found.most_common()]


def attention() -> QuerySet[Step]:
    """Ended steps that leave work for a person, newest first: the last step of a record only."""
    last = Step.objects.order_by("record_id", "-pk").distinct("record_id").values("pk")
    rows = Step.objects.filter(pk__in=last, state__in=NEEDS_ATTENTION)
    return rows.select_related("plan", "record").order_by("-finished_at")


def verified_per_day(days: int = 30) -> dict[date, int]:
    """Erasures verified on each of the last days (UTC), days without any included."""
    today = clock.now().date()
    first = today - timedelta(days=days - 1)
    rows = Step.objects.filter(state__in=ERASED, finished_at__date__gte=first)
    counted = dict(
        rows.order_by()
        .annotate(day=TruncDate("finished_at"))
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    span = (first + timedelta(days=n) for n in range(days))
    return {day: counted.get(day, 0) for day in span}


def history(record_id: UUID) -> list[Step]:
    """Every step a record was in, newest first."""
    return list(Step.objects.filter(record_id=record_id).select_related("plan").order_by("-pk"))
