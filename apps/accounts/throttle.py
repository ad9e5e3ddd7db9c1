"""How often a machine may ask: one row a key, taken with one statement by every process.

A fixed window of a minute. The limiter fails closed: when the row cannot be counted the
request is not served (`Unavailable`), so that a broken limiter is noticed and nobody is
unlimited by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Unavailable

WINDOW_SECONDS = 60

_TAKE = """
    INSERT INTO accounts_keywindow AS w (key_id, started_at, used)
    VALUES (%(key)s::uuid, statement_timestamp(), 1)
    ON CONFLICT (key_id) DO UPDATE SET
        used = CASE WHEN w.started_at <= statement_timestamp() - %(window)s * interval '1 second'
                    THEN 1 ELSE LEAST(w.used, %(limit)s) + 1 END,
        started_at = CASE
            WHEN w.started_at <= statement_timestamp() - %(window)s * interval '1 second'
            THEN statement_timestamp() ELSE w.started_at END
    RETURNING used, ceil(extract(epoch FROM
        started_at + %(window)s * interval '1 second' - statement_timestamp()))::integer
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The state of a key's window after this request was counted."""

    limit: int
    remaining: int
    #: Seconds until the window starts again, at least 1.
    resets_in: int
    allowed: bool


def take(key_id: UUID) -> Allowance:
    """Count one request of this key. Raises Unavailable when it cannot be counted."""
    limit: int = settings.API_REQUESTS_PER_MINUTE
    values: dict[str, str | int] = {"key": str(key_id), "window": WINDOW_SECONDS, "limit": limit}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            used, seconds = cursor.fetchone()
    except DatabaseError as error:
        raise Unavailable(
            "limiter", _("Requests cannot be counted at the moment. Try again shortly.")
        ) from error
    return Allowance(limit, max(limit - used, 0), max(seconds, 1), allowed=used <= limit)
