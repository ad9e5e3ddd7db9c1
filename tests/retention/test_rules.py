"""The algebra of grounds, without a database: what keeps, what ends, what is missing."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.retention.derivation import ApplicationFacts, Book, CellRef, Dated, Facts, grounds
from apps.retention.rules import PASSING, Decision, Ground, Reason, decide

RECORD = UUID(int=1)
BOOK = Book(
    {
        ("FR", "rejected", ""): (
            CellRef(1, "rejected", "process.closed"),
            CellRef(2, "rejected.archive", "decision.rejected_notified"),
        ),
        ("FR", "withdrawn", ""): (CellRef(3, "withdrawn", "candidate.withdrew"),),
        ("FR", "spontaneous", ""): (CellRef(4, "spontaneous", "application.received"),),
        ("FR", "talent_pool", ""): (CellRef(5, "talent_pool", "last_contact"),),
        ("FR", "sourced", ""): (CellRef(6, "sourced", "sourced.collected"),),
    }
)
PERIODS = {1: "P3M", 2: "P5Y", 3: "P30D", 4: "P3M", 5: "P2Y", 6: "P1M"}
OFF = PERIODS | {2: ""}
REFUSED = Dated(date(2026, 3, 2))


def application(number: int = 1, state: str = "rejected", **values: object) -> ApplicationFacts:
    given: dict[str, object] = {
        "job": "77",
        "country": "FR",
        "applied": Dated(date(2026, 1, 5)),
        "closed": REFUSED,
        "rejected_notified": REFUSED,
    }
    return ApplicationFacts(UUID(int=number), state, **given | values)  # type: ignore[arg-type]  # named by the caller


def record(*applications: ApplicationFacts, **values: object) -> Facts:
    return Facts(RECORD, applications=applications, **values)  # type: ignore[arg-type]  # named by the caller


def decided(
    facts: Facts, as_of: date, periods: dict[int, str] | None = None, *, held: bool = False
) -> Decision:
    in_force = OFF if periods is None else periods
    return decide(grounds(facts, BOOK), in_force, held=held, as_of=as_of)


def reasons(facts: Facts) -> set[Reason]:
    return {ground.reason for ground in grounds(facts, BOOK)}


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [(date(2026, 6, 1), "kept"), (date(2026, 6, 2), "kept"), (date(2026, 6, 3), "due")],
)
def test_a_rejected_person_is_kept_through_the_end_date(as_of: date, outcome: str) -> None:
    decision = decided(record(application()), as_of)
    assert decision.outcome == outcome
    assert decision.due_on == date(2026, 6, 3)


def test_the_archive_keeps_until_its_own_end_counted_from_the_refusal() -> None:
    decision = decided(record(application()), date(2027, 1, 1), PERIODS)
    assert decision.outcome == "archive"
    assert decision.due_on == date(2026, 6, 3)
    assert decision.deciding is not None
    assert decision.deciding.ground.rule == "rejected.archive"
    assert decision.deciding.ends_on == date(2031, 3, 2)
    assert [one.status for one in decision.others] == ["ended"]
    assert decided(record(application()), date(2031, 3, 3), PERIODS).outcome == "due"


def test_what_the_active_base_needs_is_not_archived_before_its_end() -> None:
    decision = decided(record(application()), date(2026, 6, 2), PERIODS)
    assert (decision.outcome, decision.due_on) == ("kept", date(2026, 6, 3))
    assert decision.to_archive
    assert not decided(record(application()), date(2026, 6, 2)).to_archive


def test_another_application_keeps_the_active_base_whatever_the_archive_says() -> None:
    facts = record(application(1), application(2, "open"))
    decision = decided(facts, date(2027, 1, 1), PERIODS)
    assert (decision.outcome, decision.due_on) == ("kept", None)


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    # A local date may be a day ahead of the controller's own.
    [(date(2026, 2, 28), "undecided"), (date(2026, 3, 1), "kept"), (date(2026, 3, 2), "kept")],
)
def test_a_date_that_has_not_come_yet_decides_nothing(as_of: date, outcome: str) -> None:
    decision = decided(record(application()), as_of)
    assert decision.outcome == outcome
    if outcome == "undecided":
        assert decision.deciding is not None
        assert decision.deciding.reason is Reason.FUTURE


def test_the_longest_lawful_reason_wins() -> None:
    facts = record(application(1), application(2, closed=Dated(date(2026, 5, 20))))
    assert decided(facts, date(2026, 7, 1)).outcome == "kept"
    decision = decided(facts, date(2026, 8, 21))
    assert decision.outcome == "due"
    assert decision.deciding is not None
    assert decision.deciding.ground.application_id == UUID(int=2)


def test_past_activity_but_an_open_application_is_not_due() -> None:
    facts = record(application(1), application(2, "open", closed=None))
    decision = decided(facts, date(2030, 1, 1))
    assert decision.outcome == "kept"
    assert decision.deciding is not None
    assert decision.deciding.reason is Reason.OPEN_APPLICATION


def test_a_hold_beats_what_is_due() -> None:
    decision = decided(record(application()), date(2030, 1, 1), held=True)
    assert decision.outcome == "held"
    assert decision.deciding is not None
    assert decision.deciding.status == "ended"


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (record(application(closed=None)), Reason.NO_TRIGGER),
        (record(application(country="BE")), Reason.NO_POLICY),
        (record(application(country="")), Reason.NO_COUNTRY),
        (record(application(state="unknown")), Reason.UNMAPPED),
        (record(application(state="invented")), Reason.UNMAPPED),
        (record(application(state="converted")), Reason.UNMAPPED),
        (record(), Reason.NO_FACTS),
        (record(consented_on=date(2026, 1, 1)), Reason.NO_COUNTRY),
    ],
)
def test_what_is_missing_is_never_due(facts: Facts, missing: Reason) -> None:
    decision = decided(facts, date(2090, 1, 1))
    assert decision.outcome == "undecided"
    assert decision.deciding is not None
    assert decision.deciding.reason is missing
    assert decision.due_on is None


def test_no_period_in_force_is_no_policy() -> None:
    decision = decided(record(application()), date(2090, 1, 1), {})
    assert decision.outcome == "undecided"
    assert decision.deciding is not None
    assert decision.deciding.reason is Reason.NO_POLICY


def test_a_missing_date_keeps_even_when_another_ground_has_ended() -> None:
    facts = record(application(1), application(2, closed=None))
    assert decided(facts, date(2090, 1, 1)).outcome == "undecided"


def test_hired_is_by_hand_and_never_due() -> None:
    decision = decided(record(application(state="hired")), date(2090, 1, 1))
    assert decision.outcome == "kept"
    assert decision.deciding is not None
    assert decision.deciding.reason is Reason.BY_HAND


def test_a_rule_switched_off_neither_keeps_nor_makes_due() -> None:
    facts = record(application())
    assert decided(facts, date(2026, 6, 3)).outcome == "due"
    nothing = decided(facts, date(2090, 1, 1), PERIODS | {1: "", 2: ""})
    assert nothing.outcome == "undecided"
    assert {one.status for one in (nothing.deciding, *nothing.others) if one} == {"off"}


def test_a_missing_date_of_a_rule_switched_off_keeps_nothing() -> None:
    facts = record(application(rejected_notified=None))
    assert decided(facts, date(2026, 6, 3)).outcome == "due"
    assert decided(facts, date(2026, 6, 3), PERIODS).outcome == "undecided"


def test_withdrawn_runs_from_the_withdrawal() -> None:
    facts = record(application(state="withdrawn", rejected_notified=None))
    assert decided(facts, date(2026, 4, 1)).outcome == "kept"
    assert decided(facts, date(2026, 4, 2)).outcome == "due"


def test_without_a_job_an_open_application_is_spontaneous() -> None:
    facts = record(application(state="open", job="", closed=None))
    assert decided(facts, date(2026, 4, 5)).outcome == "kept"
    assert decided(facts, date(2026, 4, 6)).outcome == "due"


def test_a_prospect_runs_from_the_collection_whatever_its_state() -> None:
    for state in ("open", "rejected"):
        facts = record(application(state=state, prospect=True), collected=Dated(date(2026, 1, 31)))
        assert decided(facts, date(2026, 2, 28)).outcome == "kept"
        assert decided(facts, date(2026, 3, 1)).outcome == "due"


def test_a_sourced_record_without_application_runs_from_the_collection() -> None:
    facts = record(origin="sourced", country="FR", collected=Dated(date(2026, 1, 31)))
    assert decided(facts, date(2026, 3, 1)).outcome == "due"


def test_a_converted_application_leaves_the_word_to_the_one_that_follows() -> None:
    facts = record(application(1, "converted"), application(2))
    assert reasons(facts) == {Reason.PERIOD}
    assert {ground.application_id for ground in grounds(facts, BOOK)} == {UUID(int=2)}


def test_a_consent_keeps_two_years_from_the_last_contact() -> None:
    late = Dated(date(2026, 5, 20))
    again = application(applied=Dated(date(2026, 5, 6)), closed=late, rejected_notified=late)
    facts = record(again, consented_on=date(2026, 4, 1))
    decision = decided(facts, date(2028, 5, 6))
    assert decision.outcome == "kept"
    assert decision.deciding is not None
    assert decision.deciding.ground.rule == "talent_pool"
    assert decision.deciding.ground.anchor == date(2026, 5, 6)
    assert decided(facts, date(2028, 5, 7)).outcome == "due"


def test_a_prospect_is_no_contact_from_the_candidate() -> None:
    late = application(2, "open", prospect=True, applied=Dated(date(2027, 1, 1)))
    facts = record(application(), late, consented_on=date(2026, 4, 1))
    anchors = {g.anchor for g in grounds(facts, BOOK) if g.rule == "talent_pool"}
    assert anchors == {date(2026, 4, 1)}


def test_without_consent_there_is_no_talent_pool() -> None:
    assert "talent_pool" not in {ground.rule for ground in grounds(record(application()), BOOK)}


def test_a_consent_with_two_countries_cannot_be_placed() -> None:
    facts = record(application(1), application(2, country="BE"), consented_on=date(2026, 4, 1))
    assert Reason.NO_COUNTRY in reasons(facts)
    assert decided(facts, date(2090, 1, 1)).outcome == "undecided"


def test_an_approximate_date_says_so() -> None:
    facts = record(application(rejected_notified=Dated(date(2026, 3, 2), approximate=True)))
    marked = {ground.rule: ground.approximate for ground in grounds(facts, BOOK)}
    assert marked == {"rejected": False, "rejected.archive": True}


def test_a_record_that_came_back_is_due_at_once() -> None:
    facts = record(application(state="open"), state="resurrected", returned_on=date(2026, 8, 1))
    decision = decided(facts, date(2026, 8, 1))
    assert decision.outcome == "due"
    assert decision.due_on == date(2026, 8, 1)


def test_an_erased_record_has_no_grounds() -> None:
    assert grounds(record(application(), state="erased"), BOOK) == ()


def test_every_other_record_has_one() -> None:
    for state in ("open", "rejected", "hired", "withdrawn", "converted", "unknown"):
        for prospect in (False, True):
            assert grounds(record(application(1, state, prospect=prospect)), BOOK)


anchors = st.one_of(st.none(), st.dates(date(2025, 11, 1), date(2026, 6, 1)))
found_grounds = st.one_of(
    st.builds(
        Ground,
        rule=st.sampled_from(["rejected", "rejected.archive", "talent_pool"]),
        reason=st.just(Reason.PERIOD),
        cell=st.sampled_from([1, 2, 3, 4]),
        anchor=anchors,
    ),
    st.builds(
        Ground,
        rule=st.just(""),
        reason=st.sampled_from([Reason.OPEN_APPLICATION, Reason.NO_COUNTRY, Reason.RESTRICTED]),
    ),
)


@given(
    st.lists(found_grounds, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from([1, 2, 3]), st.sampled_from(["", "P0D", "P1M", "P3M"])),
    st.booleans(),
    st.dates(date(2025, 11, 1), date(2026, 9, 1)),
)
def test_days_that_pass_only_ever_lead_towards_the_end(
    some: list[Ground], periods: dict[int, str], held: bool, as_of: date
) -> None:
    before = decide(some, periods, held=held, as_of=as_of).outcome
    after = decide(some, periods, held=held, as_of=as_of + timedelta(days=1)).outcome
    assert after == before or after in PASSING[before]
