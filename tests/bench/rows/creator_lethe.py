"""Creates rows as Lethe's services do: the row, then its ledger entry, in one transaction.

python -m tests.bench.rows.creator_lethe CONTROLLER
"""

from __future__ import annotations

import sys
from uuid import UUID

from apps.audit import services as audit
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.subjects import events
from tests.bench.peers.with_lethe.models import Person
from tests.bench.rows.creator import PERSON, serve


def create() -> None:
    row = Person._default_manager.create(**PERSON)
    audit.record(events.RECORD_GONE, actor=SYSTEM, object_id=row.pk, refs={"connection": row.pk})


if __name__ == "__main__":
    with scope.enter(UUID(sys.argv[1])):
        serve(create)
