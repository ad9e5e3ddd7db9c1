"""The statements over all records say exactly what the pure rule says of each one."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import facts, rules, selectors, services, simulating
from apps.retention.models import Ground, Policy
from apps.retention.rules import Decision, due_on
from apps.subjects.models import Change, Record
from tests import cast
from tests.cast import Company
from tests.retention.builders import ACell, AnApplication, APerson, ARecord, World, build

pytestmark = pytest.mark.django_db

#: Few days, so that ties, clamps and boundary days come often.
DAYS = [
    date(2025, 11, 28),
    date(2025, 11, 29),
    date(2025, 11, 30),
    date(2026, 2, 28),
    date(2026, 3, 1),
    date(2024, 2, 29),
    date(2021, 3, 1),
    date(2026, 5, 31),
    date(2027, 1, 1),
]
AS_OF = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 6, 1), date(2031, 3, 2)]
PERIODS = ["", "P0D", "P30D", "P1M", "P3M", "P2Y", "P5Y"]
CELLS = [
    ("rejected", ["process.closed", "decision.rejected_notified"]),
    ("rejected.archive", ["decision.rejected_notified", "process.closed"]),
    ("withdrawn", ["candidate.withdrew"]),
    ("withdrawn.archive", ["candidate.withdrew"]),
    ("spontaneous", ["application.received"]),
    ("talent_pool", ["last_contact", "consent.given"]),
    ("sourced", ["sourced.collected"]),
]

days = st.sampled_from(DAYS)
dated = st.one_of(
    st.just((None, "missing")),
    st.tuples(days, st.sampled_from(["exact", "approximate", "missing"])),
)
countries = st.sampled_from(["FR", "FR", "FR", "BE", ""])
applications = st.builds(
    AnApplication,
    state=st.sampled_from(
        ["open", "rejected", "rejected", "hired", "withdrawn", "converted", "unknown"]
    ),
    prospect=st.booleans(),
    job=st.sampled_from(["77", ""]),
    country=countries,
    applied=dated,
    closed=dated,
    notified=dated,
)
records = st.builds(
    ARecord,
    state=st.sampled_from(["present", "present", "present", "gone", "erased", "resurrected"]),
    origin=st.sampled_from(["applied", "sourced"]),
    at_home=st.booleans(),
    version=st.integers(1, 3),
    collected=dated,
    seen=days,
    applications=st.lists(applications, max_size=4).map(tuple),
)
people = st.builds(
    APerson,
    records=st.lists(records, min_size=1, max_size=3).map(tuple),
    merged=st.sampled_from([0, 0, 1, 2]),
    said=st.lists(
        st.tuples(st.sampled_from(["given", "given", "renewed", "withdrawn", "expired"]), days),
        max_size=3,
    ).map(tuple),
    held=st.sampled_from([False, False, False, True]),
)


@st.composite
def cells(draw: st.DrawFn) -> tuple[ACell, ...]:
    chosen = draw(st.lists(st.sampled_from(CELLS), unique_by=lambda one: one[0], min_size=3))
    return tuple(
        ACell(
            country,
            rule,
            draw(st.sampled_from(triggers)),
            tuple(draw(st.lists(st.tuples(days, st.sampled_from(PERIODS)), max_size=3))),
        )
        for rule, triggers in chosen
        for country in draw(st.sampled_from([("FR",), ("FR",), ("FR", "BE")]))
    )


messy = st.builds(World, people=st.lists(people, min_size=1, max_size=5).map(tuple), cells=cells())

# In messy worlds most records are undecided. In orderly ones every case has a rule and a date,
# so that grounds end, tie and outlive each other.
EARLY = date(2021, 1, 1)
known = st.tuples(days, st.sampled_from(["exact", "exact", "approximate"]))
decided_applications = st.builds(
    AnApplication,
    state=st.sampled_from(["rejected", "rejected", "withdrawn", "open"]),
    prospect=st.sampled_from([False, False, True]),
    job=st.sampled_from(["77", "", ""]),
    applied=known,
    closed=known,
    notified=known,
)
decided_records = st.builds(
    ARecord,
    collected=known,
    seen=days,
    state=st.sampled_from(["present"] * 5 + ["resurrected"]),
    applications=st.lists(decided_applications, min_size=1, max_size=3).map(tuple),
)
decided_people = st.builds(
    APerson,
    records=st.lists(decided_records, min_size=1, max_size=2).map(tuple),
    merged=st.sampled_from([0, 0, 0, 1]),
    said=st.lists(st.tuples(st.just("given"), days), max_size=1).map(tuple),
    held=st.sampled_from([False] * 5 + [True]),
)
governed = st.tuples(
    *(
        st.builds(
            ACell,
            country=st.just("FR"),
            rule=st.just(rule),
            trigger=st.sampled_from(triggers),
            periods=st.sampled_from(["", "P0D", "P3M", "P3M", "P2Y"]).map(lambda p: ((EARLY, p),)),
        )
        for rule, triggers in CELLS
    )
)
orderly = st.builds(
    World, people=st.lists(decided_people, min_size=2, max_size=6).map(tuple), cells=governed
)
worlds = st.one_of(orderly, messy)


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def stored() -> dict[object, Counter[tuple[object, ...]]]:
    found: dict[object, Counter[tuple[object, ...]]] = {}
    for one in Ground.objects.all():
        row = (one.application_id, one.cell_id, one.anchor, one.reason, one.approximate)
        found.setdefault(one.record_id, Counter())[row] += 1
        assert one.version == Record.objects.get(pk=one.record_id).version
        assert one.total == Ground.objects.filter(record_id=one.record_id).count()
    return found


def ruled() -> dict[object, Counter[tuple[object, ...]]]:
    book = facts.book()
    ids = list(Record.objects.values_list("pk", flat=True))
    found = {pk: rules.grounds(known, book) for pk, known in facts.of(ids).items()}
    return {
        pk: Counter((g.application_id, g.cell, g.anchor, g.reason, g.approximate) for g in rows)
        for pk, rows in found.items()
        if rows
    }


def check_verdicts(as_of: date) -> None:
    ids = list(Record.objects.exclude(state="erased").values_list("pk", flat=True))
    decided = {pk: selectors.decide(pk, as_of=as_of) for pk in ids}
    due = {
        (pk, one.deciding.ground.rule, one.due_on)
        for pk, one in decided.items()
        if one.outcome == "due" and one.deciding is not None
    }
    rows = selectors.due(as_of=as_of)
    assert [row.due_on for row in rows] == sorted(row.due_on for row in rows)
    assert {(row.record_id, row.rule, row.due_on) for row in rows} == due
    assert sorted(selectors.due_ids(as_of=as_of)) == sorted(row.record_id for row in rows)
    outcomes = Counter(one.outcome for one in decided.values())
    counts = selectors.counts(as_of=as_of)
    assert (counts.due, counts.kept) == (outcomes["due"], outcomes["kept"])
    assert (counts.held, counts.undecided) == (outcomes["held"], outcomes["undecided"])
    check_simulation(list(decided.values()), as_of)


def check_simulation(decided: list[Decision], as_of: date) -> None:
    """A version with the periods that are in force does what they do."""
    policy = Policy.objects.get()
    triggers = {one.pk: one.trigger for one in facts.cells() if one.country == policy.country}
    policy.rules = [
        {"rule": rule, "trigger": triggers[cell], "duration": duration, "by_hand": False}
        for cell, rule, duration in facts.in_force(as_of)
        if cell in triggers
    ]
    policy.save()
    said = selectors.simulate(policy_id=policy.pk, as_of=as_of)
    deciding = [(one.outcome, one.deciding) for one in decided if one.deciding is not None]
    due = Counter(judged.ground.rule for outcome, judged in deciding if outcome == "due")
    assert (said.by_rule, said.total) == (due, due.total())
    coming = [due_on(judged) for outcome, judged in deciding if outcome == "kept"]
    months = Counter(day.replace(day=1) for day in coming if day is not None)
    assert list(said.by_month) == simulating.months(as_of)[:-1]
    assert said.by_month == {month: months[month] for month in said.by_month}


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds, as_of=st.lists(st.sampled_from(AS_OF), min_size=2, max_size=2, unique=True))
def test_sql_equals_the_pure_rule(nordlys: Company, world: World, as_of: list[date]) -> None:
    with scope.enter(nordlys.id), transaction.atomic():
        build(world, by=nordlys.dpo)
        services.refresh_all(actor=SYSTEM)
        assert stored() == ruled()
        for day in as_of:
            check_verdicts(day)
        transaction.set_rollback(True)


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds, later=st.lists(st.tuples(st.booleans(), days), min_size=15, max_size=15))
def test_refreshing_what_changed_equals_refreshing_all(
    nordlys: Company, world: World, later: list[tuple[bool, date]]
) -> None:
    with scope.enter(nordlys.id), transaction.atomic():
        build(world, by=nordlys.dpo)
        services.refresh_all(actor=SYSTEM)
        for record, (changes, on) in zip(Record.objects.order_by("pk"), later, strict=False):
            if changes:
                record.collected_on, record.collected_quality = on, "exact"
                record.version += 1
                record.save()
                Change.objects.create(record=record, controller_id=nordlys.id)
        marked = Change.objects.count()
        assert services.refresh(actor=SYSTEM) == marked
        assert Change.objects.count() == 0
        assert stored() == ruled()
        transaction.set_rollback(True)


def test_a_second_refresh_writes_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        person = APerson(
            records=(ARecord(applications=(AnApplication("open"),)),),
            said=(("given", date(2026, 1, 1)),),
        )
        build(World((person, person)), by=nordlys.dpo)
        assert services.refresh_all(actor=SYSTEM) == 2
        before = set(Ground.objects.values_list("pk", flat=True))
        assert services.refresh_all(actor=SYSTEM) == 2
        assert set(Ground.objects.values_list("pk", flat=True)) == before
        assert ConsentEvent.objects.count() == 2
