"""Reasons that a person typed: sealed in their row, their commitment in the ledger."""

from __future__ import annotations

import json
from uuid import UUID

from apps.core import canonical, crypto
from apps.keys import services as keys

# The key's name is that of its first use; what it sealed then must open for ever.
_KEY = "overrides"
_COLUMN = "sealed_reason"


def seal(row: UUID, reason: str, *, table: str, column: str = _COLUMN) -> tuple[bytes, bytes]:
    """(sealed text with its salt, commitment for the ledger)."""
    commitment, salt = crypto.commit(reason.encode())
    sealed = crypto.seal(
        keys.instance_key(_KEY),
        canonical.dumps({"reason": reason, "salt": salt.hex()}),
        table=table,
        column=column,
        row=row,
    )
    return sealed, commitment


def open_one(row: UUID, sealed: bytes, *, table: str, column: str = _COLUMN) -> str:
    """Raises CryptoError when the row was tampered with."""
    plain = crypto.open(keys.instance_key(_KEY), sealed, table=table, column=column, row=row)
    return str(json.loads(plain)["reason"])
