"""Pure: which numbers of a table may be shown, so that nobody can be told from it.

A number of 1 to k − 1 is hidden. A hidden number that is alone in its row or column could be worked
out from the total, so another one goes with it (complementary suppression), the smallest that
does; and what is hidden in a line is k or more together, so that the gap itself is no small group.
Totals are numbers like the others. A zero says that there is nobody, and may be shown.
(Hundepool et al., Statistical Disclosure Control, ch. 4: frequency tables.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

K = 10
Cell = tuple[int, int]
Point = tuple[str, int]
Table = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Protected:
    """A table with its totals: the last of each row, and the last row. None: hidden."""

    rows: tuple[tuple[int | None, ...], ...]

    @property
    def hidden(self) -> int:
        return sum(cell is None for row in self.rows for cell in row)


def protect_alike(tables: Sequence[Sequence[Sequence[int]]], *, k: int = K) -> list[Protected]:
    """Tables of the same columns, of the same people counted in several ways: what one hides of its
    last row, the totals they share, the others do not tell."""
    totals: frozenset[int] = frozenset()
    while True:
        shown = [protect(counts, k=k, totals=totals) for counts in tables]
        last = [table.rows[-1] for table in shown if table.rows]
        more = totals.union(x for row in last for x, cell in enumerate(row) if cell is None)
        if more == totals:
            return shown
        totals = more


def protect(
    counts: Sequence[Sequence[int]], *, k: int = K, totals: frozenset[int] = frozenset()
) -> Protected:
    """`counts`: rows of one length, none negative. Everything is hidden of a table with fewer than
    k in all. `totals`: columns whose total is hidden in any case."""
    table = _with_totals(counts)
    hidden = {cell for cell, count in _cells(table) if 0 < count < k}
    hidden |= {(len(table) - 1, x) for x in totals if table}
    while _hide_in_lines(table, hidden, k) or _hide_beside(table, hidden):
        pass
    return Protected(
        tuple(
            tuple(None if (y, x) in hidden else count for x, count in enumerate(row))
            for y, row in enumerate(table)
        )
    )


def _hide_in_lines(table: Table, hidden: set[Cell], k: int) -> bool:
    """Whether a line needed another number hidden."""
    before = len(hidden)
    for line in _lines(table):
        more = _missing(table, line, hidden, k)
        if more is not None:
            hidden.add(more)
    return len(hidden) > before


def _hide_beside(table: Table, hidden: set[Cell]) -> bool:
    """Every line hides several, and still one can be worked out from all lines together, when it
    is the only link between two groups of them: then another link goes too, the smallest."""
    for link in _links(hidden):
        group = _reached(("row", link[0]), hidden - {link})
        shown = [(n, cell) for cell, n in _cells(table) if n and cell not in hidden]
        across = [
            (n, (y, x)) for n, (y, x) in shown if (("row", y) in group) != (("column", x) in group)
        ]
        if across or shown:
            hidden.add(min(across or shown)[1])
            return True
    return False


def _reached(start: Point, hidden: set[Cell]) -> set[Point]:
    """Rows and columns that hidden cells join to one of them."""
    found, fresh = {start}, [start]
    while fresh:
        kind, n = fresh.pop()
        for y, x in hidden:
            if (y if kind == "row" else x) == n:
                other: Point = ("column", x) if kind == "row" else ("row", y)
                if other not in found:
                    found.add(other)
                    fresh.append(other)
    return found


def _links(hidden: set[Cell]) -> list[Cell]:
    """Hidden cells on no circle of hidden cells: bridges of the graph whose points are rows and
    columns and whose edges are the cells (Tarjan 1974)."""
    beside: dict[Point, list[tuple[Point, Cell]]] = {}
    for y, x in hidden:
        beside.setdefault(("row", y), []).append((("column", x), (y, x)))
        beside.setdefault(("column", x), []).append((("row", y), (y, x)))
    seen: dict[Point, int] = {}
    lowest: dict[Point, int] = {}
    found = []
    for start, first in beside.items():
        if start in seen:
            continue
        seen[start] = lowest[start] = len(seen)
        path: list[tuple[Point, Cell | None, Iterator[tuple[Point, Cell]]]]
        path = [(start, None, iter(first))]
        while path:
            point, came_by, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                if path and came_by is not None:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[point])
                    if lowest[point] > seen[above]:
                        found.append(came_by)
                continue
            other, by = step
            if other not in seen:
                seen[other] = lowest[other] = len(seen)
                path.append((other, by, iter(beside[other])))
            elif by != came_by:
                lowest[point] = min(lowest[point], seen[other])
    return found


def _with_totals(counts: Sequence[Sequence[int]]) -> list[list[int]]:
    table = [[*row, sum(row)] for row in counts]
    return [*table, [sum(column) for column in zip(*table, strict=True)]] if table else []


def _cells(table: Table) -> Iterator[tuple[Cell, int]]:
    for y, row in enumerate(table):
        for x, count in enumerate(row):
            yield (y, x), count


def _lines(table: Table) -> Iterator[list[Cell]]:
    """Rows and columns, each with its total last: the total is the sum of the others."""
    height, width = len(table), len(table[0]) if table else 0
    for y in range(height):
        yield [(y, x) for x in range(width)]
    for x in range(width):
        yield [(y, x) for y in range(height)]


def _missing(table: Table, line: Sequence[Cell], hidden: set[Cell], k: int) -> Cell | None:
    """The next to hide in a line whose hidden ones could be worked out; None: they cannot."""
    gone = [cell for cell in line if cell in hidden]
    if not gone:
        return None
    total = line[-1]
    parts = sum(table[y][x] for y, x in gone if (y, x) != total)
    if len(gone) > 1 and (parts >= k or total in hidden):
        return None
    others = [cell for cell in line if cell not in hidden and table[cell[0]][cell[1]]]
    if not others:
        return None
    return min(others, key=lambda cell: (cell == total, table[cell[0]][cell[1]]))
