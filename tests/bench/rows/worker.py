"""A worker that syncs one connection when told: what a Celery worker's process does.

python -m tests.bench.rows.worker CONTROLLER CONNECTION
"""

from __future__ import annotations

import resource
import sys
import time
from uuid import UUID

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import sync
from config.celery import app
from tests.bench.rows import processes


def main(controller: UUID, connection_id: UUID) -> None:
    app.loader.import_default_modules()  # every room's tasks, as a worker has them
    for _ in processes.listen():
        began, worked = time.perf_counter(), time.process_time()
        with scope.enter(controller):
            result = sync.sync(actor=SYSTEM, connection_id=connection_id)
        processes.say(
            {
                "seconds": time.perf_counter() - began,
                "busy": time.process_time() - worked,
                "created": result.created,
                "pages": result.pages,
                "failure": result.failure,
                # Kilobytes on Linux (getrusage(2)), bytes on macOS.
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                / (1_000_000 if sys.platform == "darwin" else 1_000),
            }
        )


if __name__ == "__main__":
    main(UUID(sys.argv[1]), UUID(sys.argv[2]))
