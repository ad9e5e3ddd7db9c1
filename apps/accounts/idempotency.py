"""One effect per `Idempotency-Key`: a machine that got no answer may ask again.

The row is written in the transaction of the effect, so there is never an effect without its
row, nor a row without its effect; a request that fails leaves nothing and may be repeated.
A concurrent repetition does not wait: it is refused while the first is in flight. Nothing a
caller sent is stored, only digests under a key of the installation, and for a day.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey, IdempotencyKey
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Invalid
from apps.keys import services as keys

LIFETIME = timedelta(hours=24)
MAX_LENGTH = 255
#: Rows removed along the way by each new one, so that the table stays as small as a day.
_SWEEP = 20


class Reused(DomainError):
    """The same key came with another request."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a request made: `status` is the HTTP status of its first answer."""

    resources: tuple[UUID, ...]
    status: int
    replayed: bool = False


@transaction.atomic
def once(
    *, client: ApiKey, key: str, operation: str, payload: bytes, effect: Callable[[], Made]
) -> Made:
    """Run `effect` unless this key already did; then say again what it made.

    `operation` names the endpoint, `payload` is the request's canonical JSON. Raises Conflict
    while the first request is in flight, Reused when the key came with another request before,
    Invalid for a malformed key, and whatever `effect` raises.
    """
    check(key)
    digest = _keyed(f"key/{client.pk}", key.encode("ascii"))
    fingerprint = _keyed(f"request/{operation}", payload)
    if not _lock(digest):
        raise Conflict(
            "idempotency_in_flight",
            _("The first request with this Idempotency-Key is still running. Ask again shortly."),
        )
    _forget(client, digest)
    known = IdempotencyKey.objects.filter(client=client, digest=digest).first()
    if known is not None:
        return _again(known, fingerprint)
    made = effect()
    IdempotencyKey.objects.create(
        client=client,
        digest=digest,
        fingerprint=fingerprint,
        resources=[str(resource) for resource in made.resources],
        status=made.status,
        expires_at=clock.now() + LIFETIME,
    )
    return made


def check(key: str) -> None:
    """Raises Invalid unless the key is 1 to 255 visible ASCII characters."""
    if not 0 < len(key) <= MAX_LENGTH or not all("!" <= letter <= "~" for letter in key):
        raise Invalid(
            "idempotency_key",
            _("Send an Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID."),
        )


def _again(known: IdempotencyKey, fingerprint: bytes) -> Made:
    if not hmac.compare_digest(bytes(known.fingerprint), fingerprint):
        raise Reused(
            "idempotency_key_reused",
            _("This Idempotency-Key was used for another request. Send a new one."),
        )
    return Made(tuple(UUID(resource) for resource in known.resources), known.status, replayed=True)


def _keyed(purpose: str, value: bytes) -> bytes:
    key = keys.instance_key("idempotency")
    return hmac.digest(key, purpose.encode() + b"\0" + value, "sha256")


def _lock(digest: bytes) -> bool:
    """Until the end of the transaction. 64 bits of the digest: a clash only says "ask again"."""
    number = int.from_bytes(digest[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _forget(client: ApiKey, digest: bytes) -> None:
    """Drop this key when its day is over, and a few of the controller's others whose day is."""
    ended = IdempotencyKey.objects.filter(expires_at__lte=clock.now())
    ended.filter(client=client, digest=digest).delete()
    _remove(ended.order_by("pk").values_list("pk", flat=True)[:_SWEEP])


def _remove(ids: Iterable[UUID]) -> None:
    IdempotencyKey.objects.filter(pk__in=list(ids)).delete()
