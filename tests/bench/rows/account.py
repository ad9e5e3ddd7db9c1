"""A fake Greenhouse account in a process of its own, which keeps the vendor's limit and counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.bench.place import ROOT, BenchError

LIMIT, WINDOW = 50, 10
SECRETS: Final = {"client_id": "bench", "client_secret": "bench-bench", "sub": "1"}
CONTROL: Final = "control-bench"


def control(
    fake: dict[str, str], method: str, what: str, body: dict[str, Any] | None = None
) -> Any:
    """What its owner may ask of it, outside its limit."""
    answer = httpx.request(
        method,
        f"{fake['control_url']}/{what}",
        json=body,
        headers={"Authorization": f"Bearer {CONTROL}"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.json()


def windows(fake: dict[str, str]) -> dict[int, Any]:
    """Start of each window of the limit → requests answered and refused in it."""
    found = control(fake, "GET", "stats")["windows"]
    return {window["start"]: window for window in found}


@contextmanager
def open_account(state: Path, *more: str) -> Iterator[dict[str, str]]:
    options = ["--state", str(state), "--client-id", SECRETS["client_id"]]
    options += ["--client-secret", SECRETS["client_secret"], "--control-token", CONTROL]
    options += ["--limit", str(LIMIT), "--window", str(WINDOW), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "apps.connectors.fakes.greenhouse", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise BenchError("the fake account did not start")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=60)
