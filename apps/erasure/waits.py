"""How long a step or a connection waits after an error."""

from __future__ import annotations

import random
from datetime import timedelta

from apps.erasure.states import pause


def backoff(tries: int, at_least: float | None = None) -> timedelta:
    """`pause` with jitter, so that what failed together does not come back together: from half of
    it to the whole; never less than the seconds that the ATS asks for."""
    wait = pause(tries) * random.uniform(0.5, 1)  # noqa: S311 - no secret
    return max(wait, timedelta(seconds=at_least or 0))
