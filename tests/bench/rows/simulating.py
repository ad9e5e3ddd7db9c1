"""A policy nobody signed yet, over every record, nothing written: beside one scan of the grounds.

The peer is the least that anything could do that keeps no index on what periods run from: one
sequential scan with the new periods joined, which does not even say that several grounds of one
record count together. For the table it groups as ours does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from django.db import connection, transaction

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import services, simulating
from apps.retention.grounds import for_many_rows
from apps.retention.simulating import Departure
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, in_turn, say, seconds
from tests.bench.rows import records, stage
from tests.bench.rows.records import Estate

_TRIED: Final = Departure("spontaneous", "P1M")
_PERIODS: Final = """
    SELECT c.id, c.country, CASE c.rule WHEN 'spontaneous' THEN 'P1M' ELSE p.duration
        END::interval AS span
    FROM retention_cell c JOIN retention_period p ON p.cell_id = c.id
"""
_COUNT: Final = f"""
    SELECT count(*) FROM retention_ground g JOIN ({_PERIODS}) p ON p.id = g.cell_id
    WHERE g.controller_id = %(controller)s AND (g.anchor + p.span)::date < %(today)s
"""  # noqa: S608 - constants only
_TABLE: Final = f"""
    SELECT p.country, a.job, date_trunc('month', (g.anchor + p.span)::date), count(*)
    FROM retention_ground g JOIN ({_PERIODS}) p ON p.id = g.cell_id
    LEFT JOIN subjects_application a ON a.id = g.application_id
    WHERE g.controller_id = %(controller)s GROUP BY 1, 2, 3
"""  # noqa: S608 - constants only


def measure(run: Run) -> list[Row]:
    size = run.sized(1_000_000, 5_000)
    estate = records.estate("Bench")
    records.load_several(estate, size)
    say("working out the grounds")
    with scope.enter(estate.company.id):
        services.refresh_all(actor=SYSTEM)
    with stage.admin() as it:
        it.execute("VACUUM (ANALYZE)")
    _agree(estate)
    return [
        _row(
            estate,
            run,
            "simulate.count",
            f"a period tried on {size:,} records: how many would be due",
            {"ours": _counted, "peer": partial(_scanned, _COUNT)},
            Goal(0.5, "at most"),
        ),
        _row(
            estate,
            run,
            "simulate.table",
            f"a period tried on {size:,} records: 24 months × country × job, who joins and leaves",
            {"ours": _simulated, "peer": partial(_scanned, _TABLE)},
            Goal(2, "at most"),
        ),
    ]


def _row(
    estate: Estate,
    run: Run,
    name: str,
    title: str,
    sides: Mapping[str, Callable[[Estate], Any]],
    goal: Goal,
) -> Row:
    figures = in_turn(
        {side: partial(_milliseconds, ask, estate) for side, ask in sides.items()}, run
    )
    peer = "one sequential scan with the periods joined"
    return Row(name, title, "ms", figures["ours"], peer, figures["peer"], goal=goal)


def _counted(estate: Estate) -> int:
    found = simulating.count_due(**_asked(estate))
    if not found:
        raise AssertionError("nothing would be due: the load measures nothing")
    return found


def _simulated(estate: Estate) -> simulating.Simulation:
    return simulating.simulate(**_asked(estate))


def _agree(estate: Estate) -> None:
    with scope.enter(estate.company.id):
        said = _simulated(estate)
        if not said.joining or said.total != _counted(estate):
            raise AssertionError("the table and the count do not say the same")


def _asked(estate: Estate) -> Any:
    return {"policy_id": estate.policy_id, "as_of": estate.today, "departure": _TRIED}


def _scanned(statement: str, estate: Estate) -> list[Any]:
    given: dict[str, Any] = {"controller": estate.company.id, "today": estate.today}
    with transaction.atomic(), connection.cursor() as cursor:
        for_many_rows(cursor)
        cursor.execute(statement, given)
        return cursor.fetchall()  # type: ignore[no-any-return]  # a list of rows


def _milliseconds(ask: Callable[[Estate], Any], estate: Estate) -> float:
    with scope.enter(estate.company.id):
        return seconds(ask, estate) * 1_000
