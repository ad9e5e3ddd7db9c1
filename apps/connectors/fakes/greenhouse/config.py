"""What a fake account is made of: its credential, its limits, its habits."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from .catalogue import ALL_SCOPES

#: The vendor's waits between attempts, in minutes: seven attempts within about 15 hours.
RETRY_MINUTES = (1, 15, 60, 120, 240, 480)


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One fake account.

    `limit` requests are answered per `window` seconds and credential; more get a 429.
    `anonymize_delay` is in seconds: 0 completes within the request, more completes after it.
    `webhook_minute` is how many seconds stand for one of the vendor's minutes between attempts.
    `candidates` invented people are loaded only into an empty `state`, from index `first_index`;
    `thin` ones have a name, contacts, applications and rejections, but no files or history:
    enough to measure a sync with.
    """

    state: Path
    client_id: str
    client_secret: str
    host: str = "127.0.0.1"
    port: int = 0
    log: Path | None = None
    limit: int = 50
    window: int = 10
    token_seconds: int = 3600
    scopes: frozenset[str] = field(default=ALL_SCOPES)
    anonymize_delay: float = 0.0
    webhook_url: str = ""
    webhook_secret: str = ""
    webhook_minute: float = 0.1
    webhook_timeout: float = 10.0
    file_seconds: int = 7 * 24 * 3600
    control_token: str = ""
    seed: int = 1
    candidates: int = 0
    first_index: int = 0
    thin: bool = False
    today: date = field(default_factory=_today)
