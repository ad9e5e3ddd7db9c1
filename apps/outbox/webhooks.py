"""Calling a webhook: signed as Standard Webhooks says, and only hosts that an operator allowed.

Whoever may type an address could otherwise have this server call its own network. A redirect is
not followed: the next host was allowed by nobody. No URL, body or answer reaches a log.
"""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from django.conf import settings
from standardwebhooks import Webhook as Signer

from apps.outbox.kinds import NotTaken, Webhook

#: Seconds, a whole call: the lease of a message is longer.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_GONE = 410

_CODES = {400: "webhook_refused", 401: "webhook_refused", 403: "webhook_refused"}


def names(webhook: Webhook) -> set[str]:
    """Under which NotTaken calls it away: its host, which could not be reached, or it alone, which
    gave no answer; others may share the host."""
    return {_host(webhook.url), webhook.url}


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return url  # no URL: it is called nowhere


def is_allowed(url: str) -> bool:
    """Whether LETHE_WEBHOOK_HOSTS names the host; plain http only to loopback."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return (
        secure
        and port != 0
        and host in settings.WEBHOOK_HOSTS
        and not (parts.username or parts.password)
    )


def post(message_id: UUID, webhook: Webhook, *, at: datetime) -> None:
    """Raises NotTaken unless the answer is a 2xx."""
    if not is_allowed(webhook.url):
        raise NotTaken("webhook_host", final=True)
    body = json.dumps(webhook.body, separators=(",", ":"))
    signed = (Signer(secret).sign(str(message_id), at, body) for secret in webhook.secrets)
    headers = {
        "content-type": "application/json",
        "webhook-id": str(message_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
    try:
        # Of the answer its status alone: nothing else of it is read.
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", webhook.url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotTaken("webhook_away", away=_host(webhook.url)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotTaken("webhook_away", away=webhook.url) from error
    if status == _GONE:
        raise NotTaken("webhook_gone", final=True)
    if not httpx.codes.is_success(status):
        raise NotTaken(_CODES.get(status, "webhook_fault"))
