"""Nothing that is hidden can be worked out from what is shown."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.subjects.suppression import K, protect, protect_alike

TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(
            st.one_of(st.just(0), st.integers(0, 12), st.integers(10, 60)),
            min_size=width,
            max_size=width,
        ),
        min_size=1,
        max_size=6,
    )
)


def _whole(counts: list[list[int]]) -> list[list[int]]:
    rows = [[*row, sum(row)] for row in counts]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def _worked_out(shown: tuple[tuple[int | None, ...], ...]) -> set[tuple[int, int]]:
    """Hidden cells that the totals determine: by elimination over all rows and columns."""
    hidden = [(y, x) for y, row in enumerate(shown) for x, cell in enumerate(row) if cell is None]
    height, width = len(shown), len(shown[0])
    lines = [[(y, x) for x in range(width)] for y in range(height)]
    lines += [[(y, x) for y in range(height)] for x in range(width)]
    matrix = []
    for line in lines:
        signs = {cell: Fraction(1) for cell in line} | {line[-1]: Fraction(-1)}
        matrix.append([signs.get(cell, Fraction(0)) for cell in hidden])
    return {hidden[column] for column in _determined(matrix, len(hidden))}


def _determined(matrix: list[list[Fraction]], width: int) -> list[int]:
    """Columns whose unknown is fixed: alone in its row of the reduced form."""
    row = 0
    for column in range(width):
        pivot = next((r for r in range(row, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            continue
        matrix[row], matrix[pivot] = matrix[pivot], matrix[row]
        lead = matrix[row][column]
        matrix[row] = [value / lead for value in matrix[row]]
        for other in range(len(matrix)):
            if other != row and matrix[other][column]:
                factor = matrix[other][column]
                matrix[other] = [
                    a - factor * b for a, b in zip(matrix[other], matrix[row], strict=True)
                ]
        row += 1
    alone = [[n for n, value in enumerate(line) if value] for line in matrix]
    return [columns[0] for columns in alone if len(columns) == 1]


@settings(max_examples=300, deadline=None)
@given(TABLES)
def test_no_small_number_is_shown_or_can_be_worked_out(counts: list[list[int]]) -> None:
    shown = protect(counts).rows
    whole = _whole(counts)
    for y, row in enumerate(whole):
        for x, count in enumerate(row):
            assert shown[y][x] in (None, count), "what is shown is true"
            if 0 < count < K:
                assert shown[y][x] is None
    for y, x in _worked_out(shown):
        # All there is in a line with nobody else: hidden with its total, and no line tells it.
        assert whole[y][x] >= K or not whole[y][x]


@settings(max_examples=200, deadline=None)
@given(TABLES)
def test_a_gap_is_no_small_group(counts: list[list[int]]) -> None:
    """What a line hides is k or more together, or its total is hidden too."""
    shown, whole = protect(counts).rows, _whole(counts)
    lines = [[(y, x) for x in range(len(whole[0]))] for y in range(len(whole))]
    lines += [[(y, x) for y in range(len(whole))] for x in range(len(whole[0]))]
    for line in lines:
        *parts, (ty, tx) = line
        gone = [whole[y][x] for y, x in parts if shown[y][x] is None]
        if gone and shown[ty][tx] is not None:
            assert sum(gone) >= K


@settings(max_examples=100, deadline=None)
@given(TABLES, TABLES)
def test_a_total_that_one_table_hides_no_other_tells(
    one: list[list[int]], other: list[list[int]]
) -> None:
    width = min(len(one[0]), len(other[0]))
    shown = protect_alike([[row[:width] for row in table] for table in (one, other)])
    first, second = (table.rows[-1] for table in shown)
    assert [cell is None for cell in first] == [cell is None for cell in second]


def test_the_smallest_that_does_goes_with_it() -> None:
    assert (
        protect([[40, 3, 20], [30, 30, 30]]).rows
        == (
            (40, None, None, 63),
            (30, None, None, 90),
            (70, None, None, 153),
        )
        or protect([[40, 3, 20], [30, 30, 30]]).hidden == 4
    )


def test_a_table_of_few_shows_nothing_but_that_there_is_nobody() -> None:
    assert protect([[4, 0], [0, 0]]).rows == ((None, 0, None), (0, 0, 0), (None, 0, None))
    assert protect([]).rows == ()


def test_large_numbers_are_shown_as_they_are() -> None:
    assert protect([[10, 20], [0, 30]]).rows == ((10, 20, 30), (0, 30, 30), (10, 50, 60))
