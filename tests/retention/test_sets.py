"""The statements over all records say exactly what the pure rule says of each one."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.consents.models import ConsentEvent
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import (
    derivation,
    facts,
    first_due,
    placing,
    rules,
    selectors,
    services,
    simulating,
)
from apps.retention.models import Ground, Policy
from apps.retention.rules import Decision
from apps.retention.simulating import Departure
from apps.subjects.models import Change, Record
from tests import cast
from tests.cast import Company
from tests.retention.builders import ACell, AnApplication, APerson, ARecord, World, build
from tests.retention.worlds import AS_OF, Draft, as_it_is, days, drafts, worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def stored() -> dict[object, Counter[tuple[object, ...]]]:
    found: dict[object, Counter[tuple[object, ...]]] = {}
    for one in Ground.objects.all():
        row = (one.application_id, one.cell_id, one.anchor, one.reason, one.approximate)
        found.setdefault(one.record_id, Counter())[row] += 1
        assert one.version == Record.objects.get(pk=one.record_id).version
        others = [*Ground.objects.filter(record_id=one.record_id).exclude(pk=one.pk)]
        assert one.total == len(others) + 1
        other = others[0] if len(others) == 1 else None
        assert (one.other_cell, one.other_anchor) == (
            (other.cell_id, other.anchor) if other is not None else (None, None)
        )
    return found


def ruled() -> dict[object, Counter[tuple[object, ...]]]:
    book = facts.book()
    ids = list(Record.objects.values_list("pk", flat=True))
    found = {pk: derivation.grounds(known, book) for pk, known in facts.of(ids).items()}
    return {
        pk: Counter((g.application_id, g.cell, g.anchor, g.reason, g.approximate) for g in rows)
        for pk, rows in found.items()
        if rows
    }


def check_verdicts(as_of: date, versions: list[Draft]) -> None:
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
    check_pages([(row.due_on, row.record_id, row.rule) for row in rows], as_of)
    leaving = {
        (pk, one.deciding.ground.rule, one.due_on)
        for pk, one in decided.items()
        if one.outcome == "archive" and one.deciding is not None
    }
    archived = selectors.to_archive(as_of=as_of)
    assert {(row.record_id, row.rule, row.due_on) for row in archived} == leaving
    outcomes = Counter(one.outcome for one in decided.values())
    counts = selectors.counts(as_of=as_of)
    assert (counts.due, counts.kept) == (outcomes["due"], outcomes["kept"])
    assert counts.archive == outcomes["archive"]
    assert (counts.held, counts.undecided) == (outcomes["held"], outcomes["undecided"])
    for draft in versions:
        check_simulation(draft, decided, as_of)


def check_pages(whole: list[tuple[date, UUID, str]], as_of: date) -> None:
    """Read some days at a time, page after page, the queue is the same: whatever the size of the
    days, and when it loses patience."""
    ways: list[Any] = [{}, {"days": 5, "spare": 0}, {"patience": -1}]
    for limit, way in itertools.product((1, 3), ways):
        walked: list[tuple[date, UUID, str]] = []
        while len(walked) <= len(whole):
            after = first_due.After(*walked[-1][:2]) if walked else None
            page = first_due.read(as_of=as_of, limit=limit, after=after, **way)
            walked += [(due_on, pk, rule) for pk, _version, rule, due_on, _cell in page]
            if len(page) < limit:
                break
        assert walked == whole
    assert [row.record_id for row in selectors.due(as_of=as_of, limit=2)] == [
        pk for _due_on, pk, _rule in whole[:2]
    ]


def check_simulation(draft: Draft, decided: dict[UUID, Decision], as_of: date) -> None:
    """A version that nobody signed, judged by the pure rule on the grounds it would give."""
    policy = Policy.objects.get()
    policy.rules = [one.as_rule() for one in draft.rules]
    policy.save()
    then = imagined(policy, draft.departure, decided, as_of)
    asked: Any = {"policy_id": policy.pk, "as_of": as_of, "departure": draft.departure}
    said = simulating.simulate(**asked)
    due = {pk for pk, one in then.items() if one.outcome == "due"}
    now = {pk for pk, one in decided.items() if one.outcome == "due"}
    sets = {
        "due": due,
        "archive": {pk for pk, one in then.items() if one.outcome == "archive"},
        "joining": due - now,
        "leaving": now - due,
    }
    numbers = (said.total, said.archive, said.joining, said.leaving)
    assert numbers == tuple(len(sets[name]) for name in simulating.CHANGES)
    assert said.now == len(now)
    assert said.by_rule == Counter(rule_of(then[pk]) for pk in due)
    assert simulating.count_due(**asked) in {None, len(due)}
    if draft.departure is None:
        by_rule = simulating.count_by_rule(policy_id=policy.pk, as_of=as_of)
        assert by_rule in (None, said.by_rule)
    for name in simulating.CHANGES:
        listed = simulating.listed(**asked, change=name)
        assert {row.record_id for row in listed} == sets[name]
        if name in {"due", "archive"}:
            assert {(row.due_on, row.rule) for row in listed} == {
                (then[pk].due_on, rule_of(then[pk])) for pk in sets[name]
            }
    coming = [one for one in then.values() if one.outcome == "kept" and one.due_on is not None]
    for shown, to_archive in ((said.by_month, False), (said.archive_by_month, True)):
        days = [one.due_on for one in coming if one.to_archive is to_archive]
        months = Counter(day.replace(day=1) for day in days if day is not None)
        assert list(shown) == simulating.months(as_of)[:-1]
        assert shown == {month: months[month] for month in shown}


def check_simulation_leaves_out(marked: int) -> None:
    """Whoever's facts are newer than their grounds is in the list of a simulation and in its
    numbers, or in neither."""
    asked: Any = {"policy_id": Policy.objects.get().pk, "as_of": AS_OF[-1]}
    said = simulating.simulate(**asked)
    numbers = (said.total, said.archive, said.joining, said.leaving)
    listed = {name: simulating.listed(**asked, change=name) for name in simulating.CHANGES}
    assert numbers == tuple(len(listed[name]) for name in simulating.CHANGES)
    waiting = set(Change.objects.values_list("record_id", flat=True))
    assert len(waiting) == marked
    assert not waiting & {row.record_id for rows in listed.values() for row in rows}


def rule_of(decision: Decision) -> str:
    assert decision.deciding is not None
    return decision.deciding.ground.rule


def imagined(
    policy: Policy, departure: Departure | None, decided: dict[UUID, Decision], as_of: date
) -> dict[UUID, Decision]:
    departs = {} if departure is None else {(departure.rule, departure.job): departure.duration}
    cells = facts.cells()
    elsewhere = [one for one in cells if one.country != policy.country]
    kept = {one.pk for one in elsewhere}
    periods = {pk: text for pk, text in facts.periods(as_of).items() if pk in kept}
    places = facts.stored_places(elsewhere)
    wanted = placing.wanted(policy, departs, [one for one in cells if one not in elsewhere])
    for number, ((rule, job), one) in enumerate(wanted.items(), 1):
        places.append(facts.Place(-number, "FR", rule, one.trigger, job, one.outlives))
        periods[-number] = one.duration
    book = facts.book_of(facts.spread(places))
    return {
        pk: rules.decide(
            derivation.grounds(known, book),
            periods,
            held=decided[pk].outcome == "held",
            as_of=as_of,
        )
        for pk, known in facts.of(list(decided)).items()
    }


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    world=worlds,
    as_of=st.lists(st.sampled_from(AS_OF), min_size=2, max_size=2, unique=True),
    imagined_ones=st.lists(drafts, max_size=2),
)
def test_sql_equals_the_pure_rule(
    nordlys: Company, world: World, as_of: list[date], imagined_ones: list[Draft]
) -> None:
    with scope.enter(nordlys.id), transaction.atomic():
        build(world, by=nordlys.dpo)
        services.refresh_all(actor=SYSTEM)
        assert stored() == ruled()
        for day in as_of:
            check_verdicts(day, [as_it_is(day), *imagined_ones])
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
        check_simulation_leaves_out(marked)
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


def test_a_record_is_due_once_the_last_of_its_grounds_is_over(nordlys: Company) -> None:
    """An erasure accepted on the last day of another ground waits for the day after."""
    closed = (date(2026, 1, 28), "exact")
    application = AnApplication("rejected", applied=closed, closed=closed)
    since = ((date(2020, 1, 1), "P1M"),)
    cell = ACell("FR", "rejected", "process.closed", since, outlives=True)
    person = APerson((ARecord(applications=(application,)),), erasure=date(2026, 2, 28))
    with scope.enter(nordlys.id):
        build(World((person,), (cell,)), by=nordlys.dpo)
        services.refresh_all(actor=SYSTEM)
        (record,) = Record.objects.all()
        assert selectors.due(as_of=date(2026, 2, 28)) == []
        check_verdicts(date(2026, 3, 1), [as_it_is(date(2026, 3, 1))])
        decision = selectors.decide(record.pk, as_of=date(2026, 3, 1))
        assert (decision.due_on, rule_of(decision)) == (date(2026, 3, 1), "rejected")
