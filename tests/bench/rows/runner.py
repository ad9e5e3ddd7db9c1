"""The runner of the ledger, alone: the task's body at the beat table's pace, while it is told to.

python -m tests.bench.rows.runner
"""

from __future__ import annotations

import threading
import time

from django.db import connection

from apps.audit import tasks
from config.celery import TICKS
from tests.bench.rows import processes, stage


def _tick(stop: threading.Event) -> int:
    """As beat does: every so often, never two at a time. Entries placed while it ran."""
    placed, pause = 0, TICKS["audit.integrate"]
    following = time.monotonic()
    while not stop.wait(max(following - time.monotonic(), 0)):
        following = max(following + pause, time.monotonic())
        placed += tasks.integrate()
    connection.close()
    return placed


def main() -> None:
    stage.warm()
    placed: list[int] = []
    stop, thread = threading.Event(), threading.Thread()
    for (word,) in processes.listen():
        if word == "start":
            stop, placed = threading.Event(), []
            thread = threading.Thread(target=lambda at=stop, to=placed: to.append(_tick(at)))
            thread.start()
        else:
            stop.set()
            thread.join()
        processes.say(sum(placed))


if __name__ == "__main__":
    main()
