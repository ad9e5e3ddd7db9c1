"""What stays of who was erased: counters by month, shown once it is over and nobody can be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections, transaction

from apps.connectors.port import RemoteCandidate
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.subjects import replaying, shredding, tallies
from apps.subjects.models import Record, Tally
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import erase, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def nordlys() -> Iterator[Company]:
    company = cast.company()
    with scope.enter(company.id):
        yield company


def _people(count: int, **changes: object) -> list[RemoteCandidate]:
    made = []
    for number in range(count):
        one = cast.candidate(number)
        application = replace(one.applications[0], **changes)  # type: ignore[arg-type]  # by name
        made.append(replace(one, applications=(application,)))
    return made


def _erase_everybody() -> None:
    with transaction.atomic():
        shredding.entomb(actor=SYSTEM, record_ids=list(Record.objects.values_list("pk", flat=True)))


def _a_month_later() -> None:
    Tally.objects.update(month=clock.today("Europe/Paris").replace(day=1) - timedelta(days=31))


def test_what_is_counted_names_nobody_and_leads_to_no_row(nordlys: Company) -> None:
    take(cast.csv_connection(), ADA)
    erase(Record.objects.get())
    rows = set(Tally.objects.values_list("dimension", "value", "outcome", "count"))
    assert rows == {
        ("job", "77", "rejected", 1),
        ("region", "FR", "rejected", 1),
        ("source", "applied", "rejected", 1),
        ("stage", "", "rejected", 1),
        ("decision", "60", "rejected", 1),
    }
    columns = {field.attname for field in Tally._meta.fields}
    assert columns == {"id", "controller_id", "month", "dimension", "value", "outcome", "count"}
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(t)::text, '') FROM subjects_tally t")
        (stored,) = cursor.fetchone()
    assert "Quillfeather" not in stored
    assert str(Record.objects.get().pk) not in stored


def test_a_month_that_is_not_over_is_not_shown(nordlys: Company) -> None:
    take(cast.csv_connection(), *_people(12))
    _erase_everybody()
    this = clock.today("Europe/Paris").replace(day=1)
    assert (tallies.months(), tallies.tables(this), tallies.per_month()) == ([], [], {})
    _a_month_later()
    (month,) = tallies.months()
    assert tallies.per_month() == {month: 12}
    by_name = {table.dimension: table for table in tallies.tables(month)}
    assert by_name["region"].rows[0].counts == (12, 12)
    assert by_name["region"].outcomes == ("rejected",)


def test_few_are_hidden_and_a_record_counts_once_in_a_counter(nordlys: Company) -> None:
    people = _people(11)
    twice = replace(people[0].applications[0], remote_id="9777777")
    people[0] = replace(people[0], applications=(*people[0].applications, twice))
    other = replace(cast.candidate(99).applications[0], country="BE")
    people.append(replace(cast.candidate(99), applications=(other,)))
    take(cast.csv_connection(), *people)
    _erase_everybody()
    assert Tally.objects.get(dimension="region", value="FR").count == 11
    _a_month_later()
    (month,) = tallies.months()
    (table,) = [one for one in tallies.tables(month) if one.dimension == "region"]
    shown = {row.value: row.counts for row in table.rows}
    assert shown["BE"] == (None, None)
    assert shown["FR"] == (None, None), "or Belgium's could be worked out"
    assert table.totals == (12, 12)


def test_who_is_erased_again_after_a_restore_is_counted(nordlys: Company) -> None:
    take(cast.csv_connection(), ADA)
    record = Record.objects.get()
    replaying.shred_again(actor=SYSTEM, subject_ids=[record.subject_id], seqs={})
    assert Tally.objects.filter(dimension="job").values_list("count", flat=True)[0] == 1


def test_what_was_rolled_back_is_not_counted(nordlys: Company) -> None:
    take(cast.csv_connection(), ADA)
    with transaction.atomic():
        shredding.entomb(actor=SYSTEM, record_ids=[Record.objects.get().pk])
        transaction.set_rollback(True)
    assert not Tally.objects.exists()


def test_another_controller_has_its_own(nordlys: Company) -> None:
    take(cast.csv_connection(), *_people(12))
    _erase_everybody()
    _a_month_later()
    with scope.enter(cast.mallory().id):
        assert tallies.months() == []
        assert tallies.per_month() == {}
