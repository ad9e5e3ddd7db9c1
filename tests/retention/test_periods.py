"""Calendar arithmetic of retention: tables of boundary days, and the law of the cut-off."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.retention.periods import cutoff, end_date, exceeds, parse, together

DURATIONS = ["P0D", "P1D", "P28D", "P30D", "P4W", "P1M", "P3M", "P6M", "P12M", "P1Y", "P2Y"]
DURATIONS += ["P5Y", "P1Y6M10D", "P1M1D", "P11M", "P24M"]
days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("anchor", "duration", "ends_on"),
    [
        (date(2026, 11, 30), "P3M", date(2027, 2, 28)),
        (date(2027, 11, 30), "P3M", date(2028, 2, 29)),
        (date(2026, 11, 29), "P3M", date(2027, 2, 28)),
        (date(2026, 11, 28), "P3M", date(2027, 2, 28)),
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2028, 2, 29), "P1Y", date(2029, 2, 28)),
        (date(2028, 2, 29), "P4Y", date(2032, 2, 29)),
        (date(2028, 2, 29), "P24M", date(2030, 2, 28)),
        (date(2026, 3, 31), "P1M", date(2026, 4, 30)),
        (date(2026, 3, 1), "P30D", date(2026, 3, 31)),
        (date(2026, 2, 1), "P4W", date(2026, 3, 1)),
        (date(2026, 1, 31), "P1M1D", date(2026, 3, 1)),
        # A Sunday and a public holiday: never rolled to a working day.
        (date(2026, 2, 1), "P3M", date(2026, 5, 1)),
        (date(2026, 5, 4), "P0D", date(2026, 5, 4)),
        (date(9999, 6, 1), "P1Y", date.max),
    ],
)
def test_a_period_ends_on_this_day(anchor: date, duration: str, ends_on: date) -> None:
    assert end_date(anchor, duration) == ends_on


@pytest.mark.parametrize(
    ("as_of", "duration", "latest"),
    [
        (date(2027, 3, 1), "P3M", date(2026, 11, 30)),
        (date(2027, 2, 28), "P3M", date(2026, 11, 27)),
        (date(2028, 2, 29), "P3M", date(2027, 11, 28)),
        (date(2028, 3, 1), "P3M", date(2027, 11, 30)),
        (date(2026, 5, 31), "P1M", date(2026, 4, 30)),
        (date(2026, 5, 1), "P1M", date(2026, 3, 31)),
        (date(2030, 3, 1), "P2Y", date(2028, 2, 29)),
        (date(2026, 5, 4), "P0D", date(2026, 5, 3)),
    ],
)
def test_the_cut_off_is_the_latest_day_whose_period_has_ended(
    as_of: date, duration: str, latest: date
) -> None:
    assert cutoff(duration, as_of) == latest


@given(as_of=days, duration=st.sampled_from(DURATIONS))
@example(as_of=date(2027, 2, 28), duration="P3M")
@example(as_of=date(2028, 2, 29), duration="P1Y")
def test_one_day_later_than_the_cut_off_has_not_ended(as_of: date, duration: str) -> None:
    latest = cutoff(duration, as_of)
    assert latest is not None
    assert end_date(latest, duration) < as_of
    assert end_date(latest + timedelta(days=1), duration) >= as_of


@given(anchor=days, duration=st.sampled_from(DURATIONS), as_of=days)
def test_before_the_cut_off_is_exactly_ended(anchor: date, duration: str, as_of: date) -> None:
    latest = cutoff(duration, as_of)
    assert latest is not None
    assert (anchor <= latest) == (end_date(anchor, duration) < as_of)


def test_the_calendar_may_hold_no_such_day() -> None:
    assert cutoff("P2Y", date(1, 6, 1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "P", "3M", "P3", "P-3M", "PT72H", "P3M2Y", "p3m", "P3M ", "P1.5Y", "P101Y", "P99999D"],
)
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("duration", "ceiling", "longer"),
    [
        ("P3M", "P3M", False),
        ("P1Y", "P12M", False),
        ("P30D", "P1M", True),  # from 1 February it would end later
        ("P28D", "P1M", False),
        ("P4M", "P3M", True),
        ("P0D", "P0D", False),
    ],
)
def test_a_period_exceeds_its_ceiling_if_it_does_from_any_day(
    duration: str, ceiling: str, longer: bool
) -> None:
    assert exceeds(duration, ceiling) is longer


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("P6M", "P3Y", "P42M"),
        ("P30D", "P3Y", "P36M30D"),
        ("P2W", "P1D", "P15D"),
        ("P0D", "P0D", "P0D"),
    ],
)
def test_two_periods_one_after_the_other(first: str, second: str, both: str) -> None:
    assert together(first, second) == both


def test_two_periods_beyond_a_century_are_refused() -> None:
    with pytest.raises(ValueError, match="century"):
        together("P60Y", "P60Y")
