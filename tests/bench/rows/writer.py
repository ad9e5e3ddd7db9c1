"""One of eight writers: single-row transactions, ours through `record`, the peer's bare.

python -m tests.bench.rows.writer CONTROLLER
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction

from apps.audit import bodies
from apps.audit import services as audit
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.subjects import events
from tests.bench.rounds import one_by_one, seconds
from tests.bench.rows import processes, stage

Bare = tuple[UUID, str, UUID, bytes]
_BARE = "INSERT INTO bench_bare (log_id, verb, object_id, body) VALUES (%s, %s, %s, %s)"


def main(controller: UUID) -> None:
    stage.warm()
    with scope.enter(controller):
        for side, count in processes.listen():
            # Ids, and for the bare sides the whole rows, are made before the clock runs.
            ids = [(uuid4(), uuid4()) for _ in range(count)]
            rows = ids if side == "ours" else [_row(controller, *pair) for pair in ids]
            processes.say("set")
            processes.wait()
            processes.say(seconds(one_by_one, _SIDES[side], rows))


def _record(pair: tuple[UUID, UUID]) -> None:
    record, subject = pair
    with transaction.atomic():
        audit.record(
            events.RECORD_ENTOMBED, actor=SYSTEM, object_id=record, refs={"subject": subject}
        )


def _row(controller: UUID, record: UUID, subject: UUID) -> Bare:
    verb = events.RECORD_ENTOMBED
    before, after = bodies.compose(
        verb.name,
        actor=SYSTEM,
        log=controller,
        target=record,
        known=bodies.facts(verb, {"refs": {"subject": subject}}),
    )
    body = before + clock.now().isoformat().encode() + after
    return controller, verb.name, record, body


def _insert(row: Bare) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BARE, row)


def _insert_in_transaction(row: Bare) -> None:
    with transaction.atomic():
        _insert(row)


_SIDES: Final[Mapping[str, Callable[[Any], None]]] = {
    "ours": _record,
    "bare": _insert_in_transaction,
    "autocommit": _insert,
}

if __name__ == "__main__":
    main(UUID(sys.argv[1]))
