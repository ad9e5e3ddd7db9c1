"""Why this date: the derivation as a sentence in both languages, and as data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.utils import translation

from apps.connectors.port import Dated
from apps.consents import services as consents
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.errors import Missing
from apps.retention import labels, selectors, services
from apps.retention.selectors import Explanation
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import governed, without_archive

pytestmark = pytest.mark.django_db
APPLICATION = ADA.applications[0]


@pytest.fixture
def nordlys() -> Company:
    return cast.company()


def taken(company: Company, *, governs: bool = True, **changes: object) -> Record:
    """Ada's application with these facts, under the French policy without archives."""
    if governs:
        without_archive(company)
    connection = cast.csv_connection()
    one = replace(APPLICATION, **changes)  # type: ignore[arg-type]  # named by the caller
    intake.take(
        actor=SYSTEM, connection_id=connection.pk, candidates=[replace(ADA, applications=(one,))]
    )
    services.refresh(actor=SYSTEM)
    record: Record = Record.objects.get()
    return record


def at(year: int, month: int, day: int) -> Dated:
    return Dated(datetime(year, month, day, 12, tzinfo=UTC), "exact")


def explained(record: Record, as_of: date = date(2026, 7, 1)) -> Explanation:
    with translation.override("en"):
        return selectors.explain(record.pk, as_of=as_of)


def test_what_is_due_says_since_when_and_by_which_rule(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        said = explained(taken(nordlys))
    assert (said.outcome, said.due_on) == ("due", date(2026, 6, 3))
    assert said.sentence == (
        "Due since June 3, 2026: rejected application, 3 months from the day the recruitment "
        "process ended (March 2, 2026). Also weighed: evidence of a rejected application "
        "(switched off)."
    )
    assert (said.policy_number, said.policy_pack) == (1, "fr-cnil 0.1.0")
    first, second = said.grounds
    assert (first.rule, first.status, first.ends_on) == ("rejected", "ended", date(2026, 6, 2))
    assert first.sources[0].startswith("CNIL")
    assert (second.rule, second.status) == ("rejected.archive", "off")


def test_what_only_the_archive_needs_says_so_and_what_is_approximate(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        said = explained(taken(nordlys, governs=False))
    assert (said.outcome, said.due_on) == ("archive", date(2026, 6, 3))
    assert said.sentence == (
        "To archive since June 3, 2026: the active base needs it no longer, the archive keeps it "
        "until the end of March 2, 2031: evidence of a rejected application, 5 years from the day "
        "the refusal was notified (about March 2, 2026). Also weighed: rejected application "
        "(3 months, ended on June 2, 2026)."
    )


def test_what_is_kept_says_until_when_and_what_follows(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        said = explained(taken(nordlys, governs=False), date(2026, 4, 1))
    assert (said.outcome, said.due_on, said.to_archive) == ("kept", date(2026, 6, 3), True)
    assert said.sentence.startswith(
        "Kept until the end of June 2, 2026, then archived: rejected application, 3 months from"
    )


def test_a_hold_comes_first_and_what_it_hides_after(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        services.place_hold(
            actor=nordlys.dpo_actor,
            subject_id=record.subject_id,
            reason="A claim",
            review_on=date(2090, 1, 1),
        )
        said = explained(record)
    assert (said.outcome, said.held) == ("held", True)
    assert said.sentence.startswith(
        "Kept under legal hold 1, to be reviewed on Jan. 1, 2090. Without it: Due since June 3"
    )


@pytest.mark.parametrize(
    ("changes", "outcome", "piece"),
    [
        ({"state": "open"}, "kept", "an application is in process"),
        ({"state": "hired"}, "kept", "by hand"),
        ({"state": "unknown"}, "undecided", "state of an application"),
        ({"closed": Dated()}, "undecided", "that day is missing"),
        ({"closed": at(2026, 7, 3)}, "undecided", "has not come yet"),
        ({"closed": at(2025, 1, 1)}, "undecided", "ended before it was made"),
        ({"country": "BE"}, "undecided", "no policy in force covers this case"),
    ],
)
def test_what_has_no_end_says_why(
    nordlys: Company, changes: dict[str, object], outcome: str, piece: str
) -> None:
    with scope.enter(nordlys.id):
        said = explained(taken(nordlys, **changes))  # type: ignore[arg-type]  # facts only
    assert (said.outcome, said.due_on) == (outcome, None)
    assert piece in said.sentence


def test_a_consent_is_the_deciding_ground_and_the_losers_are_listed(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        consents.record(
            actor=SYSTEM,
            subject_id=record.subject_id,
            purpose="talent_pool",
            effective_on=date(2026, 4, 1),
            notice="v1",
            source="api",
        )
        kept = explained(record)
        consents.withdraw(
            actor=SYSTEM,
            subject_id=record.subject_id,
            purpose="talent_pool",
            effective_on=date(2026, 5, 1),
            source="api",
        )
        gone = explained(record)
    assert kept.due_on == date(2028, 4, 2)
    assert [view.rule for view in kept.grounds] == ["talent_pool", "rejected", "rejected.archive"]
    assert gone.outcome == "due"


def test_an_erased_record_says_so_and_nothing_else(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        Record.objects.update(state=Record.State.ERASED)
        said = explained(record)
    assert (said.outcome, said.grounds) == ("erased", ())


def test_a_resurrected_record_is_due_since_it_came_back(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        seen = datetime(2026, 6, 20, 12, tzinfo=UTC)
        Record.objects.update(state=Record.State.RESURRECTED, seen_at=seen)
        said = explained(record)
    assert (said.outcome, said.due_on) == ("due", date(2026, 6, 20))
    assert "came back after its erasure" in said.sentence


def test_the_same_derivation_is_there_as_json(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        plain = explained(record).as_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["record_id"] == str(record.pk)
    assert plain["due_on"] == "2026-06-03"
    assert plain["grounds"][0]["anchor"] == "2026-03-02"
    assert plain["grounds"][0]["status"] == "ended"


def test_another_controllers_record_is_missing_in_the_same_words(nordlys: Company) -> None:
    other = cast.mallory()
    with scope.enter(nordlys.id):
        record = taken(nordlys)
    with scope.enter(other.id):
        for pk in (record.pk, UUID(int=7)):
            with pytest.raises(Missing, match="record"):
                selectors.explain(pk, as_of=date(2026, 7, 1))
            with pytest.raises(Missing, match="record"):
                selectors.decide(pk, as_of=date(2026, 7, 1))


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        ("P3M", "3 months"),
        ("P1M", "1 month"),
        ("P24M", "2 years"),
        ("P1Y6M10D", "1 year, 6 months and 10 days"),
        ("P4W", "28 days"),
        ("P0D", "0 days"),
        ("", "switched off"),
    ],
)
def test_periods_are_said_in_words(duration: str, said: str) -> None:
    with translation.override("en"):
        assert labels.duration(duration) == said


def test_pending_facts_keep_a_record_out_of_the_queue_until_refreshed(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        record = taken(nordlys)
        as_of = date(2026, 7, 1)
        assert selectors.due_ids(as_of=as_of) == [record.pk]
        changed = replace(APPLICATION, state="open")
        intake.take(
            actor=SYSTEM,
            connection_id=record.connection_id,
            candidates=[replace(ADA, applications=(changed,))],
        )
        assert selectors.due_ids(as_of=as_of) == []
        assert selectors.due(as_of=as_of) == []
        assert selectors.counts(as_of=as_of).pending == 1
        services.refresh(actor=SYSTEM)
        assert selectors.counts(as_of=as_of).kept == 1
