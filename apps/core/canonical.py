"""Canonical JSON: one value, one sequence of bytes, so that it can be hashed and signed.

Keys sorted, no spaces, ASCII only. Floats are refused: they have no single spelling.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID


def dumps(value: Any) -> bytes:
    """Raises TypeError for a float, a set, bytes, or anything else without one spelling."""
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (UUID, date, datetime)):
        return value.isoformat() if isinstance(value, date) else str(value)
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("canonical JSON keys are strings")
    return key
