"""A throw-away installation for one experiment: its own cluster, roles, grants and keys.

Durable (fsync on) and provisioned as a real one: the owner migrates, the runtime role works.
Gone with its directory when the block ends.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from config import embedded

ROOT: Final = Path(__file__).resolve().parent.parent.parent
#: Where the experiment finds the superuser (set-up only, never what is measured), and its files.
ADMIN, HOME = "LETHE_BENCH_ADMIN", "LETHE_BENCH_HOME"


class BenchError(Exception):
    """An experiment could not be run; the text says why."""


@contextlib.contextmanager
def installation() -> Iterator[dict[str, str]]:
    """The environment of a provisioned installation."""
    home = Path(tempfile.mkdtemp(prefix="lethe-bench-"))
    # The server may run as another account (under root): it must be able to walk through.
    home.chmod(0o711)
    try:
        with embedded.running(home / "data") as cluster:
            embedded.provision(cluster)
            environment = {**os.environ, **_settings(home, cluster)}
            manage(environment, "provision")
            yield environment
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _settings(home: Path, cluster: embedded.Cluster) -> dict[str, str]:
    return {
        **cluster.environment(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LETHE_SECRET_KEY": secrets.token_urlsafe(48),
        "LETHE_ROOT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "LETHE_KEYS_DIR": str(home / "keys"),
        "LETHE_NAME": "bench.lethe.localhost",
        "LETHE_ATS_HOSTS": "127.0.0.1",
        HOME: str(home),
        ADMIN: cluster.dsn("postgres", embedded.SUPERUSER),
    }


def manage(environment: Mapping[str, str], *command: str) -> None:
    """A management command as the owner. Raises BenchError with its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=ROOT,
        env={**environment, "LETHE_DATABASE_ROLE": "owner"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["unknown"])[-1]
        raise BenchError(f"{command[0]} failed: {reason}")
