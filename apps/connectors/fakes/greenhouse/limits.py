"""The vendor's fixed window: `limit` requests per `window` seconds and credential.

The window begins at multiples of its length, so a caller that spreads its requests over a
sliding window is still right, and one that counts from its own first request may not be.
"""

import threading
import time
from dataclasses import dataclass

from .answers import Refusal


@dataclass(slots=True)
class _Count:
    answered: int = 0
    refused: int = 0


class Limiter:
    """Counts in memory: the vendor forgets nothing, but a restart begins a window anew."""

    def __init__(self, *, limit: int, window: int) -> None:
        self.limit = limit
        self.window = window
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], _Count] = {}

    def admit(self, credential: str, *, now: float | None = None) -> dict[str, str]:
        """The headers of this answer; raises Refusal(429) with `Retry-After` in seconds."""
        instant = time.time() if now is None else now
        start = int(instant // self.window) * self.window
        with self._lock:
            count = self._counts.setdefault((credential, start), _Count())
            accepted = count.answered < self.limit
            count.answered += accepted
            count.refused += not accepted
            headers = self.headers(self.limit - count.answered, start)
        if not accepted:
            raise too_many(headers, seconds=start + self.window - instant)
        return headers

    def headers(self, remaining: int, start: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(start + self.window),
        }

    def stats(self) -> dict[str, object]:
        """Requests per window, oldest first, and the most any window answered."""
        with self._lock:
            windows = [
                {"start": start, "answered": count.answered, "refused": count.refused}
                for (_, start), count in sorted(self._counts.items(), key=lambda item: item[0][1])
            ]
        return {
            "limit": self.limit,
            "window": self.window,
            "windows": windows,
            "max_answered": max((count.answered for count in self._counts.values()), default=0),
            "answered": sum(count.answered for count in self._counts.values()),
            "refused": sum(count.refused for count in self._counts.values()),
        }


def too_many(headers: dict[str, str], *, seconds: float) -> Refusal:
    refusal = Refusal(429, "Rate limit exceeded.", message="Too Many Requests")
    refusal.headers = headers | {"Retry-After": str(max(1, -int(-seconds // 1)))}
    return refusal
