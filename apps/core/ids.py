"""Our own ids: UUIDv7 (RFC 9562 §5.7), sortable by time so that indexes stay compact."""

from __future__ import annotations

import os
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_A = 0xFFF << 64
_RANDOM_B = (1 << 62) - 1


def new_id() -> uuid.UUID:
    """48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= _VERSION_7 | (random & _RANDOM_A) | _VARIANT | (random & _RANDOM_B)
    return uuid.UUID(int=value)
