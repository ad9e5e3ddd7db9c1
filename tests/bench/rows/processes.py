"""Processes that wait for a word on their standard input and answer with a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.bench.place import ROOT, BenchError


class Process:
    """One such process: `tell` it something, then `hear` what it says."""

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]):
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, *words: object) -> None:
        if self._process.stdin is None:
            raise BenchError(f"{self._name} cannot be told anything")
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Raises BenchError when it died instead."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BenchError(f"{self._name} ended with status {self._process.wait()}")
        return json.loads(line)

    def ask(self, *words: object) -> Any:
        self.tell(*words)
        return self.hear()

    def end(self) -> None:
        """Its input closes, so it ends by itself, or is ended."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def processes(
    module: str, arguments: Sequence[Sequence[str]], environment: Mapping[str, str]
) -> Iterator[list[Process]]:
    """One process for each list of arguments, all of them ready."""
    with ExitStack() as stack:
        started = []
        for given in arguments:
            started.append(Process(module, given, environment))
            stack.callback(started[-1].end)
        for process in started:
            process.hear()
        yield started


def listen() -> Iterator[list[Any]]:
    """In the process itself: say that it is ready, then every word it is told."""
    say("ready")
    for line in sys.stdin:
        yield json.loads(line)


def wait() -> None:
    """Until the next line, whatever it says."""
    sys.stdin.readline()


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
