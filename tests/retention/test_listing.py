"""Lists say of many records what `explain` says of each."""

from __future__ import annotations

from datetime import date

import pytest

from apps.core import scope
from apps.retention import listing, selectors, services
from apps.retention.listing import Filter
from apps.retention.rules import Reason
from apps.subjects.models import Record
from tests import cast
from tests.doors.console.house import House, stock

AS_OF = date(2026, 11, 23)
EVERY_DAY = (date(2026, 3, 3), date(2026, 6, 2), date(2026, 6, 3), AS_OF)


@pytest.fixture
def house(db: None) -> House:
    nordlys, vantage = cast.company(), cast.mallory()
    living = cast.candidate(7, applications=())
    connection, records = stock(nordlys, cast.ADA, cast.candidate(1), cast.candidate(2), living)
    _, theirs = stock(vantage, cast.candidate(99))
    return House(nordlys, vantage, connection, records, theirs[0])


@pytest.mark.parametrize("as_of", EVERY_DAY)
def test_a_list_and_an_explanation_agree(house: House, as_of: date) -> None:
    with scope.enter(house.nordlys.id):
        found = listing.summaries(house.records, as_of=as_of)
        for record_id in house.records:
            told = selectors.explain(record_id, as_of=as_of)
            assert found[record_id].outcome == told.outcome
            assert found[record_id].due_on == told.due_on
            assert found[record_id].rule == told.grounds[0].rule


def test_each_outcome_lists_as_many_as_it_counts(house: House) -> None:
    with scope.enter(house.nordlys.id):
        counts = selectors.counts(as_of=AS_OF)
        for outcome in listing.OUTCOMES:
            rows = listing.where_outcome(Record.objects.all(), outcome, as_of=AS_OF)
            shown = listing.page(as_of=AS_OF, chosen=Filter(outcome=outcome))
            assert rows.count() == len(shown) == getattr(counts, outcome)
            assert {row.pk for row in rows} == {row.record_id for row in shown}


def test_what_cannot_be_decided_is_counted_by_what_is_missing(house: House) -> None:
    with scope.enter(house.nordlys.id):
        counted = listing.tally(as_of=AS_OF).undecided
        assert sum(counted.values()) == selectors.counts(as_of=AS_OF).undecided == 1
        assert counted == {Reason.NO_FACTS: 1}
        for reason, count in counted.items():
            shown = listing.page(as_of=AS_OF, chosen=Filter("undecided", reason))
            assert [row.reason for row in shown] == [reason] * count
        assert not listing.page(as_of=AS_OF, chosen=Filter("undecided", Reason.NO_POLICY))
        # Before any policy is in force everyone is undecided, and says why.
        before = listing.tally(as_of=date(2020, 1, 1)).undecided
        assert before[Reason.NO_POLICY] == len(house.records) - 1


def test_a_filter_lists_as_many_as_it_counts(house: House) -> None:
    with scope.enter(house.nordlys.id):
        said = listing.tally(as_of=AS_OF)
        assert said.of(Filter()) == len(house.records)
        (rule,) = said.rules
        for chosen in (
            Filter(),
            Filter(rule=rule),
            Filter("archive", rule="talent_pool"),
            Filter("archive", rule=rule, connection_id=house.connection.pk),
            Filter("archive", connection_id=house.theirs),
        ):
            assert len(listing.page(as_of=AS_OF, chosen=chosen)) == said.of(chosen)
        assert said.of(Filter(rule=rule)) > 0


def test_pages_follow_each_other_without_gap_or_repetition(house: House) -> None:
    with scope.enter(house.nordlys.id):
        whole = [row.record_id for row in listing.page(as_of=AS_OF)]
        walked, after = [], None
        while rows := listing.page(as_of=AS_OF, after=after, limit=1):
            walked.append(rows[0].record_id)
            after = listing.Cursor.read(str(listing.cursor(rows[0])))
        assert walked == whole
        assert len(whole) == len(house.records)


def test_a_held_person_is_listed_as_held(house: House) -> None:
    with scope.enter(house.nordlys.id):
        subject = Record.objects.get(pk=house.ada).subject_id
        services.place_hold(
            actor=house.nordlys.dpo_actor,
            subject_id=subject,
            reason="A dispute.",
            review_on=date(2099, 1, 1),
        )
        held = listing.page(as_of=AS_OF, chosen=Filter("held"))
        assert [row.record_id for row in held] == [house.ada]


def test_a_list_never_holds_another_controllers_records(house: House) -> None:
    with scope.enter(house.vantage.id):
        assert [row.record_id for row in listing.page(as_of=AS_OF)] == [house.theirs]
        assert listing.summaries(house.records, as_of=AS_OF) == {}


@pytest.mark.parametrize("text", ["", "x", "2026-01-01", "2026-13-01_00", "infinity_", "_"])
def test_what_is_no_cursor_starts_at_the_top(text: str) -> None:
    assert listing.Cursor.read(text) is None
