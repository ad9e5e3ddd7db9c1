"""Who applies again after an erasure begins a new life; everybody else only came back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.connectors.port import Dated
from apps.core import clock, scope
from apps.retention import selectors, services
from apps.subjects import facts, intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.subjects.steps import applied, erase, living, take

ERASED_ON = date(2026, 6, 2)


@pytest.fixture
def nordlys(db: None) -> Company:
    return cast.company()


def test_a_record_that_came_back_begins_a_new_life_with_a_later_application(
    nordlys: Company,
) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(living())
        take(connection, ADA)
        assert living().state == Record.State.RESURRECTED
        again = replace(ADA, applications=(*ADA.applications, applied()))
        assert take(connection, again) == intake.Taken(changed=1)
        assert (living().state, living().version) == (Record.State.PRESENT, 2)
        while services.refresh(actor=nordlys.recops_actor):
            pass
        decision = selectors.decide(living().pk, as_of=clock.today("Europe/Paris"))
        assert decision.outcome != "due"


def test_any_other_change_leaves_it_come_back(nordlys: Company) -> None:
    clean = replace(ADA, first_name="", last_name="", emails=(), phones=(), anonymized=True)
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(living())
        take(connection, ADA)
        for change in (replace(ADA, last_name="Tarnholt"), clean):
            assert take(connection, change) == intake.Taken(changed=1)
            assert living().state == Record.State.RESURRECTED


def test_an_application_made_minutes_after_the_erasure_is_a_new_life(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        connection = cast.csv_connection()
        take(connection, ADA)
        erase(living())
        back = replace(ADA, applications=(applied(datetime.now(UTC) + timedelta(minutes=1)),))
        assert take(connection, back) == intake.Taken(created=1)
        assert living().state == Record.State.PRESENT


@pytest.mark.parametrize(
    ("at", "zone", "is_new"),
    [
        # Erased at some instant of 2 June UTC: from 02:00 in Paris, or the evening of 1 June
        # in New York. Whoever may have applied after it is not destroyed.
        (datetime(2026, 6, 2, 0, 0, tzinfo=UTC), "Europe/Paris", True),
        (datetime(2026, 6, 1, 22, 30, tzinfo=UTC), "Europe/Paris", True),
        (datetime(2026, 6, 1, 21, 30, tzinfo=UTC), "Europe/Paris", False),
        (datetime(2026, 6, 2, 3, 0, tzinfo=UTC), "America/New_York", True),
        (datetime(2026, 6, 1, 12, 0, tzinfo=UTC), "America/New_York", True),
        (datetime(2026, 6, 1, 3, 0, tzinfo=UTC), "America/New_York", False),
        (datetime(2026, 6, 2, 12, 0, tzinfo=UTC), "Asia/Tokyo", True),
        (datetime(2026, 6, 1, 12, 0, tzinfo=UTC), "Asia/Tokyo", False),
        (datetime(2026, 6, 3, 12, 0, tzinfo=UTC), "Europe/Paris", True),
    ],
)
def test_an_application_that_may_be_later_than_the_erasure_counts(
    at: datetime, zone: str, is_new: bool
) -> None:
    candidate = replace(ADA, applications=(*ADA.applications, applied(at)))
    assert facts.starts_new_life(candidate, erased_on=ERASED_ON, zone=zone) is is_new


def test_an_application_without_a_date_begins_nothing() -> None:
    candidate = replace(ADA, applications=(replace(applied(), applied=Dated()),))
    assert not facts.starts_new_life(candidate, erased_on=ERASED_ON, zone="Europe/Paris")
