"""`python -m demo`: from an ATS to a proven erasure, on this machine, with nothing else."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from config import embedded
from config.supervisor import Supervisor, SupervisorError
from demo import installation as place
from demo.installation import DemoError, Installation

#: How long a killed run's processes may take to give their ports back.
LEFTOVER_SECONDS = 10.0


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    console = Console(stderr=options.json, highlight=False)
    try:
        place.require_own_servers(os.environ)
        installation = place.open_installation(options.data, options.port)
        cluster = embedded.start(installation.root / "postgres")
    except (DemoError, embedded.EmbeddedError) as error:
        console.print(f"[bold red]{error}")
        return 2
    try:
        return _run(installation, cluster, console, options)
    except SupervisorError as error:
        console.print(f"[bold red]{place.advice_on_ports(installation) or error}")
        return 2
    except (DemoError, embedded.EmbeddedError) as error:
        console.print(f"[bold red]{error}")
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        cluster.stop()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".demo"), help="where it keeps itself")
    parser.add_argument("--port", type=int, default=8000, help="port of the page")
    parser.add_argument("--exit", action="store_true", help="end after the table")
    parser.add_argument("--json", action="store_true", help="the table as JSON on the last line")
    options = parser.parse_args(arguments)
    options.data = options.data.absolute()
    return options


def _run(
    installation: Installation,
    cluster: embedded.Cluster,
    console: Console,
    options: argparse.Namespace,
) -> int:
    embedded.provision(cluster)
    place.settle_environment(installation, cluster)
    console.print("[bold]Lethe[/] · preparing the databases")
    place.migrate()
    processes = _start(installation)
    try:
        processes.wait_ready()
        status = _day(installation, options)
        if not options.exit:
            processes.run()
        return status if options.exit else 0
    finally:
        processes.stop()


def _start(installation: Installation) -> Supervisor:
    """Started, or SupervisorError for a busy port.

    The first try ends what a killed run left behind; its ports are free only a moment later.
    """
    patience = time.monotonic() + LEFTOVER_SECONDS
    while True:
        processes = Supervisor(place.processes(installation), logs=installation.logs)
        try:
            processes.start()
        except BaseException as error:
            processes.stop()
            if not isinstance(error, SupervisorError) or time.monotonic() > patience:
                raise
            time.sleep(0.5)
        else:
            return processes


def _day(installation: Installation, options: argparse.Namespace) -> int:
    """The day runs in a process of its own, which alone needs Django's settings."""
    command = [sys.executable, "-m", "demo.day", "--data", str(installation.root)]
    command += ["--port", str(installation.port), *(["--json"] if options.json else [])]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
