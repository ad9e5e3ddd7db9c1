"""A live writer beside the end of an epoch: people come, are made findable, are read, and go.

python -m tests.bench.rows.keeper CONTROLLER
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from uuid import UUID

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import services as keys
from tests.bench.rows import processes

#: Between two rounds of calls: a sync's pace, not a flood.
PAUSE = 0.01


def _come_and_go(waited: list[float]) -> UUID:
    """Two people come, one is made findable and found, the other goes. Who stays."""
    stays, goes = new_id(), new_id()
    mail = f"{stays}@example.org"
    calls: tuple[Callable[[], object], ...] = (
        lambda: keys.new([stays, goes], actor=SYSTEM),
        lambda: keys.index([(stays, "email", mail)]),
        lambda: keys.open_many([stays, goes]),
        lambda: keys.find("email", [mail]),
        lambda: keys.shred(goes, actor=SYSTEM, seq=None),
    )
    for call in calls:
        began = time.perf_counter()
        call()
        waited.append(time.perf_counter() - began)
    return stays


def main(controller: UUID) -> None:
    waited: list[float] = []
    stopped = threading.Event()
    people: list[UUID] = []

    def live() -> None:
        with scope.enter(controller):
            while not stopped.is_set():
                people.append(_come_and_go(waited))
                time.sleep(PAUSE)

    worker = threading.Thread(target=live)
    for (word,) in processes.listen():
        if word == "go":
            worker.start()
            continue
        stopped.set()
        worker.join()
        processes.say(
            {
                "longest": max(waited),
                "calls": len(waited),
                "people": [str(one) for one in people],
            }
        )


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
