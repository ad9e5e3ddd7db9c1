"""What is kept of a read: a salted commitment, times and a request id. Never a value.

The salt is sealed under the person's key. While the key lives, the same reading can be shown
to give the same commitment; once the person is shredded nothing can be tested any more, so
the commitment says nothing about them (EDPB Guidelines 02/2025 on commitments).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.connectors.port import Snapshot
from apps.core import canonical, crypto
from apps.core.ids import new_id
from apps.erasure.models import Evidence, Step

_TABLE = "erasure_evidence"


def reading_bytes(snapshot: Snapshot) -> bytes:
    """One spelling of everything read."""
    return canonical.dumps({"found": snapshot.found, "leaves": dict(snapshot.leaves)})


def keep(*, step: Step, kind: str, snapshot: Snapshot, key: bytes, read_at: datetime) -> Evidence:
    """Inside the caller's transaction. `kind` is before or after."""
    commitment, salt = crypto.commit(reading_bytes(snapshot))
    row_id = new_id()
    return Evidence.objects.create(
        id=row_id,
        step=step,
        kind=kind,
        commitment=commitment,
        sealed_salt=crypto.seal(key, salt, table=_TABLE, column="sealed_salt", row=row_id),
        request_id=step.request_id,
        read_at=read_at,
    )


def unchanged(*, step_id: UUID, snapshot: Snapshot, key: bytes) -> bool:
    """Whether the ATS shows exactly what it showed before the step was first sent."""
    first = Evidence.objects.filter(step_id=step_id, kind="before").order_by("pk").first()
    if first is None:
        return False
    sealed = bytes(first.sealed_salt)
    salt = crypto.open(key, sealed, table=_TABLE, column="sealed_salt", row=first.pk)
    return crypto.commitment(reading_bytes(snapshot), salt) == bytes(first.commitment)
