"""`python -m tests.bench.rows NAME`: one experiment; its rows as JSON on the last line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from tests.bench.figures import Row
from tests.bench.rounds import Run
from tests.bench.rows import (
    creating,
    disposing,
    due,
    ending,
    erasing,
    integrating,
    jobs,
    recording,
    refreshing,
    simulating,
    syncing,
    verifying,
)

MEASURES: Final[Mapping[str, Callable[[Run], list[Row]]]] = {
    "sync": syncing.measure,
    "erase": erasing.measure,
    "jobs": jobs.measure,
    "epoch": ending.measure,
    "dispose": disposing.measure,
    "due": due.measure,
    "simulate": simulating.measure,
    "refresh": refreshing.measure,
    "record": recording.measure,
    "integrate": integrating.measure,
    "create": creating.measure,
    "verify": verifying.measure,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=MEASURES)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--size", type=int)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    rows = MEASURES[given.name](Run(given.rounds, given.quick, given.size))
    sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
