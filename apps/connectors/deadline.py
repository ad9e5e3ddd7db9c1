"""Until when a call with an effect may leave this process.

A worker acts under a lease. When the ATS's limit makes it wait longer than that, another worker
may have taken the step, and a hold may have been accepted since: what waited must not go out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_until: Final[ContextVar[float | None]] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """In this block, no call with an effect leaves later than that from now."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def passed() -> bool:
    """Whether it is too late; never, where nobody set a deadline."""
    until = _until.get()
    return until is not None and time.monotonic() >= until
