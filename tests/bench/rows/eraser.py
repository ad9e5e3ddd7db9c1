"""A worker that walks the steps of one controller to their end when told.

python -m tests.bench.rows.eraser CONTROLLER
"""

from __future__ import annotations

import sys
import time
from uuid import UUID

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.erasure import running
from apps.erasure.models import Step
from apps.erasure.states import LIVING
from config.celery import app
from tests.bench.rows import processes

#: A worker asks for work about so often (config.celery).
PAUSE = 0.2


def main(controller: UUID) -> None:
    app.loader.import_default_modules()  # every room's tasks, as a worker has them
    for _ in processes.listen():
        moved = 0
        with scope.enter(controller):
            while Step.objects.filter(state__in=LIVING).exists():
                moved += running.advance_all(actor=SYSTEM)
                time.sleep(PAUSE)
        processes.say(moved)


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
