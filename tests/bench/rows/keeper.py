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


def main(controller: UUID) -> None:
    waited: list[float] = []
    stopped = threading.Event()
    people: list[UUID] = []

    def timed(call: Callable[[], object]) -> None:
        began = time.perf_counter()
        call()
        waited.append(time.perf_counter() - began)

    def live() -> None:
        with scope.enter(controller):
            while not stopped.is_set():
                one, other = new_id(), new_id()
                timed(lambda: keys.new([one, other], actor=SYSTEM))
                timed(lambda: keys.index([(one, "email", f"{one}@example.org")]))
                timed(lambda: keys.open_many([one, other]))
                timed(lambda: keys.find("email", [f"{one}@example.org"]))
                timed(lambda: keys.shred(other, actor=SYSTEM, seq=None))
                people.append(one)
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
