"""The limit of an ATS, kept by all processes together through one row of PostgreSQL.

The vendor counts requests in fixed windows of *its* clock and says, with every answer, how
many are left and when the window ends. We cannot see its clock; what we can know is this:

- A request that was answered tells the window it was counted in (`X-RateLimit-Reset`) and
  what was left then (`X-RateLimit-Remaining`).
- A request still under way may be counted in the window we know, or in the one after it.

So `taken` counts what is under way in the present window and `late` what was under way when
it began; when the first answer of a new window arrives, all of it is set against the new
window. However requests straddle the boundary, the sum never exceeds the limit.

Once our window has ended by the database's clock (the one clock all processes share), one
request is let through to find the next window out; the others wait for what it learns. The
vendor's clock is compared through the `Date` header, which is truncated to the second: the
window is taken to end up to a second late, never early.

Taking is one UPDATE … RETURNING in a transaction of its own. Inside somebody's transaction it
would hold the row's lock until that ends and stop every other worker, so it refuses. Without
the database there is no permission: it raises, and no call is made (HOUSE §4, invariant 9).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_lazy as _

from apps.connectors.errors import ConnectorError
from apps.connectors.http import retry_after
from apps.core.errors import Unavailable

#: Seconds a caller waits for its turn before it gives up with `rate_limited`.
PATIENCE = 120.0
#: Seconds after which a scout that never came back is replaced.
SCOUT_LEASE = 35.0
#: Seconds between two requests to a vendor that says nothing of its limit.
UNKNOWN_PAUSE = 1.0
_POLL = 0.25
_LEAST_NAP = 0.01


class InTransaction(RuntimeError):
    """The limiter was asked inside a transaction: a bug of the caller, never a user's."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to send one request; `window` is the vendor's window known at that time."""

    window: int
    #: Sent to find a new window out, while all others wait.
    scout: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer said of the limit; `ends_in` is in seconds from now, never too short."""

    allowed: int
    remaining: int
    window: int
    ends_in: float


def told(headers: Mapping[str, str]) -> Told | None:
    """Read `X-RateLimit-Limit`, `-Remaining` and `-Reset` (epoch seconds); None if absent."""
    try:
        allowed = int(headers["X-RateLimit-Limit"])
        remaining = int(headers["X-RateLimit-Remaining"])
        window = int(float(headers["X-RateLimit-Reset"]))
    except (KeyError, ValueError, OverflowError):
        return None
    if allowed < 1 or remaining < 0 or window < 0:
        return None
    ends_in = window - vendor_now(headers)  # the header's second has begun: late, never early
    return Told(allowed, min(remaining, allowed), window, min(max(ends_in, 0.0), 3_600.0))


def vendor_now(headers: Mapping[str, str]) -> float:
    """The instant of an answer by the vendor's own clock, in seconds; by ours less a second
    where it does not say."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC).timestamp() - 1.0


# Every statement reads the time once, so that its parts agree with each other.
_TAKE = """
    UPDATE connectors_ratewindow AS w SET
        remaining = CASE WHEN w.resets_at > t.now THEN w.remaining - 1 ELSE 0 END,
        scouting = NOT coalesce(w.resets_at > t.now, false),
        resets_at = CASE WHEN w.resets_at > t.now THEN w.resets_at
            ELSE t.now + make_interval(secs => %(lease)s) END,
        taken = w.taken + 1
    FROM (SELECT clock_timestamp() AS now) AS t
    WHERE w.connection_id = %(connection)s
      AND coalesce(w.blocked_until <= t.now, true)
      AND (w.remaining > 0 OR coalesce(w.resets_at <= t.now, true))
    RETURNING w.vendor_window, w.scouting
"""
_WAIT = """
    SELECT extract(epoch FROM greatest(w.blocked_until, w.resets_at) - clock_timestamp()),
        w.scouting
    FROM connectors_ratewindow AS w WHERE w.connection_id = %(connection)s
"""
# The first answer of a new window: all that is under way is set against it. What was late
# already is set against it once more and then forgotten, so that a killed process's request
# does not cost every window to come.
_NEWER = """
    UPDATE connectors_ratewindow AS w SET
        allowed = %(allowed)s,
        remaining = greatest(%(remaining)s - greatest(w.taken + w.late - 1, 0), 0),
        late = greatest(w.taken - CASE WHEN w.vendor_window = %(ticket)s THEN 1 ELSE 0 END, 0),
        late_window = w.vendor_window,
        taken = 0,
        vendor_window = %(window)s,
        scouting = false,
        resets_at = clock_timestamp() + make_interval(secs => %(ends_in)s)
    WHERE w.connection_id = %(connection)s AND w.vendor_window < %(window)s
"""
# The window we know. Each estimate of its end is late by up to a second: the earliest is best.
_SAME = """
    UPDATE connectors_ratewindow AS w SET
        allowed = %(allowed)s,
        remaining = least(w.remaining, %(remaining)s),
        taken = greatest(w.taken - CASE WHEN w.vendor_window = %(ticket)s THEN 1 ELSE 0 END, 0),
        late = greatest(w.late - CASE WHEN w.late_window = %(ticket)s THEN 1 ELSE 0 END, 0),
        scouting = w.scouting AND NOT %(scout)s,
        resets_at = CASE WHEN w.scouting AND NOT %(scout)s THEN w.resets_at
            WHEN %(scout)s THEN t.now + make_interval(secs => %(ends_in)s)
            ELSE least(w.resets_at, t.now + make_interval(secs => %(ends_in)s)) END
    FROM (SELECT clock_timestamp() AS now) AS t
    WHERE w.connection_id = %(connection)s AND w.vendor_window = %(window)s
"""
# An answer that says nothing of the limit, or of a window that has gone: a straggler.
_RETURN = """
    UPDATE connectors_ratewindow AS w SET
        taken = greatest(w.taken - CASE WHEN w.vendor_window = %(ticket)s THEN 1 ELSE 0 END, 0),
        late = greatest(w.late - CASE WHEN w.late_window = %(ticket)s THEN 1 ELSE 0 END, 0),
        scouting = w.scouting AND NOT %(scout)s,
        resets_at = CASE WHEN w.scouting AND %(scout)s
            THEN clock_timestamp() + make_interval(secs => %(pause)s) ELSE w.resets_at END
    WHERE w.connection_id = %(connection)s
"""
_BLOCK = """
    UPDATE connectors_ratewindow AS w SET blocked_until =
        greatest(w.blocked_until, clock_timestamp() + make_interval(secs => %(seconds)s))
    WHERE w.connection_id = %(connection)s
"""


@dataclass(frozen=True, slots=True)
class Shared:
    """The meter of a connection, for every process that calls its ATS."""

    connection_id: UUID
    patience: float = PATIENCE

    def take(self) -> Ticket:
        """Wait for a turn. Raises ConnectorError(rate_limited) when patience ends,
        Unavailable when the database does not answer, InTransaction inside one."""
        give_up = time.monotonic() + self.patience
        while True:
            row = self._one(_TAKE, lease=SCOUT_LEASE)
            if row is not None:
                return Ticket(*row)
            nap = self._nap()
            if time.monotonic() + nap > give_up:
                raise ConnectorError("rate_limited", retry_after=nap)
            time.sleep(nap)

    def learn(self, ticket: Ticket, headers: Mapping[str, str] | None, status: int | None) -> None:
        """Give the ticket back with what the answer said; obey Retry-After for everyone."""
        news = told(headers or {})
        if headers is not None and status in (429, 503):
            self._block(headers)
        if news is None:
            self._run(_RETURN, **_of(ticket), pause=UNKNOWN_PAUSE)
            return
        facts = {**_of(ticket), **_facts(news)}
        if not self._run(_NEWER, **facts) and not self._run(_SAME, **facts):
            self._run(_RETURN, **_of(ticket), pause=_POLL)

    def _block(self, headers: Mapping[str, str]) -> None:
        seconds = retry_after(headers)
        if seconds is not None:
            self._run(_BLOCK, seconds=seconds)

    def _nap(self) -> float:
        row = self._one(_WAIT)
        if row is None:
            raise _away()
        seconds, scouting = row
        longest = _POLL if scouting else 1.0
        nap = min(max(float(seconds or 0.0), _LEAST_NAP), longest)
        return nap + random.uniform(0, _LEAST_NAP)  # noqa: S311 - spreads wake-ups, no secret

    def _one(self, statement: str, **values: Any) -> tuple[Any, ...] | None:
        with _cursor() as cursor:
            cursor.execute(statement, {"connection": self.connection_id, **values})
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _run(self, statement: str, **values: Any) -> int:
        with _cursor() as cursor:
            cursor.execute(statement, {"connection": self.connection_id, **values})
            return int(cursor.rowcount)


def _of(ticket: Ticket) -> dict[str, Any]:
    return {"ticket": ticket.window, "scout": ticket.scout}


def _facts(news: Told) -> dict[str, Any]:
    return {
        "allowed": news.allowed,
        "remaining": news.remaining,
        "window": news.window,
        "ends_in": max(news.ends_in, _LEAST_NAP),
    }


@contextmanager
def _cursor() -> Iterator[CursorWrapper]:
    if connection.in_atomic_block or not connection.get_autocommit():
        raise InTransaction("an ATS is called outside any transaction")
    try:
        with connection.cursor() as cursor:
            yield cursor
    except DatabaseError as error:
        raise _away() from error


def _away() -> Unavailable:
    return Unavailable("limiter", _("The rate limiter does not answer, so nothing is sent."))


@dataclass(slots=True)
class Alone:
    """The meter of a credential that has no connection yet: this process only, one at a time."""

    patience: float = PATIENCE
    remaining: int = 1
    ends_at: float = 0.0

    def take(self) -> Ticket:
        """Raises ConnectorError(rate_limited) when the window ends later than patience."""
        wait = self.ends_at - time.monotonic() if self.remaining < 1 else 0.0
        if wait > self.patience:
            raise ConnectorError("rate_limited", retry_after=wait)
        time.sleep(max(wait, 0.0))
        self.remaining -= 1
        return Ticket(0)

    def learn(self, ticket: Ticket, headers: Mapping[str, str] | None, status: int | None) -> None:
        """The ticket is one of one, so only the answer counts."""
        del ticket
        news = told(headers or {})
        pause = retry_after(headers) if headers is not None and status in (429, 503) else None
        self.remaining = news.remaining if news and pause is None else 0
        if pause is None:
            pause = news.ends_in if news else UNKNOWN_PAUSE
        self.ends_at = time.monotonic() + pause
