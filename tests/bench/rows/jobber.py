"""A worker that takes jobs whose effect is one row: ours, from the outbox.

python -m tests.bench.rows.jobber CONTROLLER [LEASE_SECONDS]

With a lease it goes on until it is killed; without, it works when told, until nothing waits.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from uuid import UUID

from django.db import connection

from apps.core import scope
from apps.core.actors import SYSTEM, Actor
from apps.outbox import kinds, services
from apps.outbox.kinds import Kind
from config.celery import app
from tests.bench.rows import processes

KIND = "bench_job"


def _effect(_actor: Actor, about: UUID, _state: str, _code: str) -> None:
    """In the transaction that ends the job."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_effect (job) VALUES (%s)", [about])


def main(controller: UUID, lease: float | None) -> None:
    app.loader.import_default_modules()  # every room's tasks, as a worker has them
    kinds.declare(Kind(KIND, lambda _about: "done", _effect, by="webhook"))
    with scope.enter(controller):
        if lease is not None:
            # Its claims are free again within the run, and not after five minutes.
            services.LEASE, services._LONGEST = timedelta(seconds=lease), timedelta()
            processes.say("ready")
            while True:
                if not services.deliver(actor=SYSTEM):
                    time.sleep(0.05)
        for _ in processes.listen():
            began = time.perf_counter()
            while services.deliver(actor=SYSTEM):
                pass
            processes.say(time.perf_counter() - began)


if __name__ == "__main__":
    main(UUID(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None)
