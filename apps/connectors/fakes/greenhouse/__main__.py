"""`python -m apps.connectors.fakes.greenhouse`: run a fake account until SIGTERM or SIGINT.

Prints one JSON line when it listens; all else goes to `--log`.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import FrameType

from .catalogue import ALL_SCOPES
from .config import Config
from .server import start


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fake-greenhouse", description=__doc__)
    add = parser.add_argument
    add("--state", type=Path, required=True, help="SQLite file; kept from run to run")
    add("--client-id", required=True)
    add("--client-secret", required=True)
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--port-file", type=Path, help="also write the JSON line there")
    add("--log", type=Path)
    add("--limit", type=int, default=50, help="requests per window and credential")
    add("--window", type=int, default=10, help="seconds")
    add("--token-seconds", type=int, default=3600)
    add("--scopes", default=",".join(sorted(ALL_SCOPES)), help="comma-separated")
    add("--anonymize-delay", type=float, default=0.0, help="seconds until it takes effect")
    add("--webhook-url", default="")
    add("--webhook-secret", default="")
    add("--webhook-minute", type=float, default=0.1, help="seconds for a minute of waiting")
    add("--control-token", default="")
    add("--seed", type=int, default=1)
    add("--candidates", type=int, default=0, help="invented people for an empty state")
    add("--first-index", type=int, default=0)
    add("--thin", action="store_true", help="invented people without files and history")
    add("--today", type=date.fromisoformat, help="dates are relative to it; default: today")
    return parser


def _config(arguments: Sequence[str]) -> tuple[Config, Path | None]:
    given = vars(_parser().parse_args(arguments))
    port_file: Path | None = given.pop("port_file")
    given["scopes"] = frozenset(filter(None, given["scopes"].split(",")))
    if given["today"] is None:
        del given["today"]
    return Config(**given), port_file


def main(arguments: Sequence[str]) -> int:
    config, port_file = _config(arguments)
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with start(config) as server:
        line = json.dumps(server.facts())
        if port_file:
            port_file.write_text(line + "\n")
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
