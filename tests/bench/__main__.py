"""`make bench`: measure Lethe beside its peers, both sides in turn, in one run.

Every experiment gets an installation of its own, durable and provisioned as a real one, and
calls the public services as the runtime role. Ends with status 1 when one could not be run;
a row that falls short says so and is no failure of the run.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import FrameType

from config.embedded import EmbeddedError
from tests.bench import place, report
from tests.bench.figures import Row
from tests.bench.place import BenchError
from tests.bench.rounds import EXPERIMENTS, QUICK_ROUNDS, ROUNDS, Run, say


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    run = Run(rounds=options.rounds, quick=options.quick, size=options.size)
    if run.quick:
        run = replace(run, rounds=min(run.rounds, QUICK_ROUNDS))
    about = report.machine()
    say(report.heading(about))
    rows: list[Row] = []
    broken: dict[str, str] = {}
    for name in options.row or EXPERIMENTS:
        say(f"{name}: {EXPERIMENTS[name]}")
        try:
            measured = _measure(name, run)
        except (BenchError, EmbeddedError) as error:
            broken[name] = str(error)
            continue
        rows += measured
        if not options.json:
            _show(measured, run)
    _conclude(about, rows, broken, options)
    return 1 if broken else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--row", action="append", choices=EXPERIMENTS, help="only this one; may be repeated")
    add("--rounds", type=_positive, default=ROUNDS, help="how often each side runs")
    add("--size", type=_positive, help="records, entries or candidates instead of the row's own")
    add("--quick", action="store_true", help="small: shows that every row runs, judges nothing")
    add("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _measure(name: str, run: Run) -> list[Row]:
    """In a process of its own: it alone needs Django. Raises BenchError."""
    before = report.load()
    command = [sys.executable, "-m", "tests.bench.rows", name, "--rounds", str(run.rounds)]
    command += ["--quick"] if run.quick else []
    command += ["--size", str(run.size)] if run.size else []
    with place.installation() as environment:
        done = _run(command, environment)
    rows = [Row.read(found) for found in done]
    return [replace(row, notes={**row.notes, "load": [before, report.load()]}) for row in rows]


def _run(command: Sequence[str], environment: Mapping[str, str]) -> list[dict[str, object]]:
    done = subprocess.run(
        command, cwd=place.ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"ended with status {done.returncode}; see what it wrote above")
    found: list[dict[str, object]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _show(rows: Sequence[Row], run: Run) -> None:
    for row in rows:
        sys.stdout.write("\n".join(report.lines(row, quick=run.quick)) + "\n\n")
    sys.stdout.flush()


def _conclude(
    about: dict[str, object],
    rows: Sequence[Row],
    broken: Mapping[str, str],
    options: argparse.Namespace,
) -> None:
    for name, why in broken.items():
        sys.stderr.write(f"{name} could not be run: {why}\n")
    if options.json:
        verdicts = [
            {**row.as_json(), "verdict": "quick" if options.quick else row.verdict()}
            for row in rows
        ]
        found = {**about, "quick": options.quick, "rows": verdicts, "broken": dict(broken)}
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write(report.summary(rows, quick=options.quick) + "\n")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Asked to end (a CI's time limit), it takes its installation away as after Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
