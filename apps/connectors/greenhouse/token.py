"""Access tokens of Harvest v3: fetched by client credentials, kept in this process only.

A token opens the whole ATS, so it is never written: not to a database, not to the broker, not
to a log. Each process fetches its own and forgets it with its memory.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse.mapping import instant
from apps.connectors.http import Client, Target
from apps.connectors.limiter import Alone, vendor_now

#: Seconds before its end from which a token is not used any more.
_MARGIN = 60.0
#: Lifetime assumed, in seconds, when the answer does not say.
_UNKNOWN_LIFETIME = 300.0


@dataclass(frozen=True, slots=True)
class Credential:
    """A Client Credentials credential; `user_id` is the acting user (`sub`), a site admin."""

    auth_url: str
    client_id: str
    client_secret: str = field(repr=False)
    user_id: str


_kept: dict[Credential, tuple[str, float]] = {}
_lock = threading.Lock()


def bearer(credential: Credential) -> str:
    """The Authorization header's value. Raises ConnectorError(unauthorized) when refused."""
    with _lock:
        token, until = _kept.get(credential, ("", 0.0))
        if time.monotonic() >= until:
            token, lifetime = _fetch(credential)
            _kept[credential] = token, time.monotonic() + lifetime
    return f"Bearer {token}"


def forget(credential: Credential) -> None:
    """The vendor refused the token before its time (revoked, scopes changed)."""
    with _lock:
        _kept.pop(credential, None)


def _fetch(credential: Credential) -> tuple[str, float]:
    pair = f"{credential.client_id}:{credential.client_secret}".encode()
    target = Target(
        "POST",
        credential.auth_url,
        authorization="Basic " + base64.b64encode(pair).decode("ascii"),
        form={"grant_type": "client_credentials", "sub": credential.user_id},
    )
    try:
        # Asking for a token changes nothing there, so it may be repeated as a read. The token
        # host counts apart from the API, hence a meter of its own.
        answer = Client(Alone()).read(target)
    except ConnectorError as error:
        if error.code in ("rejected", "forbidden"):
            raise ConnectorError("unauthorized", status=error.status) from None
        raise
    token = answer.body.get("access_token") if isinstance(answer.body, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise ConnectorError("malformed", status=answer.status)
    return token, _usable(answer.body, vendor_now(answer.headers))


def _usable(body: Mapping[str, Any], now: float) -> float:
    """Seconds for which the token is used: its lifetime less a margin, at least half of it."""
    lifetime = _lifetime(body, now)
    return max(lifetime - _MARGIN, lifetime / 2)


def _lifetime(body: Mapping[str, Any], now: float) -> float:
    """Documents differ: `expires_in` seconds, or `expires_at` / `expires` as an instant, which
    is one of the vendor's clock, as `now` is."""
    seconds = body.get("expires_in")
    if isinstance(seconds, int | float) and seconds > 0:
        return float(seconds)
    ends = instant(body.get("expires_at")) or instant(body.get("expires"))
    return max(ends.timestamp() - now, 0.0) if ends else _UNKNOWN_LIFETIME
