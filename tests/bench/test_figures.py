"""Judging: the benchmark's own arithmetic, on numbers made up here."""

import json
from dataclasses import asdict
from functools import partial

import pytest

from tests.bench import figures, rounds
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run


def row(ours: list[float], peer: list[float], goal: Goal | None) -> Row:
    return Row("a.row", "A row", "per second", ours, peer_name="peer", peer=peer, goal=goal)


AT_LEAST = Goal(1.5, "at least")


def test_rounds_are_compared_pairwise() -> None:
    slower_together = row([30.0, 15.0, 30.0], [20.0, 10.0, 20.0], AT_LEAST)
    assert slower_together.ratios == [1.5, 1.5, 1.5]


@pytest.mark.parametrize(
    ("ours", "goal", "verdict"),
    [
        ([16.0] * 5, Goal(1.5, "at least"), figures.HOLDS),
        ([14.0] * 5, Goal(1.5, "at least"), figures.SHORT),
        ([14.0] * 5, Goal(1.5, "at most"), figures.HOLDS),
        ([16.0] * 5, Goal(1.5, "at most"), figures.SHORT),
        ([16.0] * 5, Goal(15, "at least", of="ours"), figures.HOLDS),
        ([14.0] * 5, Goal(15, "at least", of="ours"), figures.SHORT),
        ([16.0] * 5, None, figures.NO_GOAL),
    ],
)
def test_the_median_is_held_against_the_goal(
    ours: list[float], goal: Goal | None, verdict: str
) -> None:
    assert row(ours, [10.0] * 5, goal).verdict() == verdict


def test_a_loud_row_is_not_judged_even_when_its_median_is_good() -> None:
    loud = row([10.0, 20.0, 30.0, 40.0, 50.0], [10.0] * 5, AT_LEAST)
    assert figures.spread(loud.ratios) > figures.LOUDEST
    assert loud.verdict() == figures.NOT_JUDGED


def test_one_stray_round_does_not_make_a_row_loud() -> None:
    assert row([20.0, 20.0, 21.0, 22.0, 90.0], [10.0] * 5, AT_LEAST).verdict() == figures.HOLDS


def test_fewer_rounds_than_five_are_not_judged() -> None:
    assert row([20.0] * 4, [10.0] * 4, AT_LEAST).verdict() == figures.TOO_FEW


def test_a_row_with_a_round_missing_on_one_side_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _ = row([1.0, 2.0], [1.0], None).ratios


def test_sides_run_in_turn_and_none_is_always_first() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return 1.0

    sides = {name: partial(side, name) for name in ("ours", "peer", "limit")}
    rounds.in_turn(sides, Run(rounds=3))
    assert order == [
        *("ours", "peer", "limit"),
        *("peer", "limit", "ours"),
        *("limit", "ours", "peer"),
    ]


def test_the_rate_of_a_round_is_that_of_all_its_slices_together() -> None:
    rates = iter([100.0, 50.0, 10.0, 10.0])
    found = rounds.in_slices({"ours": lambda: next(rates)}, Run(rounds=2), slices=2)
    assert found == {"ours": [pytest.approx(200 / 3), 10.0]}


def test_a_row_crosses_processes_unchanged() -> None:
    sent = row([16.0], [10.0], AT_LEAST)
    assert Row.read(json.loads(json.dumps(asdict(sent)))) == sent
