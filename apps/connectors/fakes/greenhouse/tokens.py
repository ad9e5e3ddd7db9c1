"""`POST /token` and the bearer tokens it gives: client credentials on behalf of a user."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime

from . import instants
from .answers import Answer, Refusal, Request, found
from .config import Config
from .state import State, dumps


@dataclass(frozen=True, slots=True)
class Credential:
    client_id: str
    sub: str
    scopes: frozenset[str]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        raise Refusal(401, "Missing client credentials.")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(401, "Malformed client credentials.") from None
    return client_id, secret


def _form(request: Request) -> dict[str, str]:
    pairs = urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"))
    return dict(pairs)


@dataclass(frozen=True, slots=True)
class Tokens:
    state: State
    config: Config

    def issue(self, request: Request) -> Answer:
        """Raises Refusal: 401 for a wrong credential, 400 for a wrong form."""
        self._check_client(*_basic(request.headers.get("authorization", "")))
        form = _form(request)
        if form.get("grant_type") != "client_credentials":
            raise Refusal(400, {"grant_type": "must be client_credentials"})
        if not form.get("sub", "").isdecimal():
            raise Refusal(400, {"sub": "must be the id of a user"})
        return self._new(form["sub"])

    def _check_client(self, client_id: str, secret: str) -> None:
        known = hmac.compare_digest(client_id.encode(), self.config.client_id.encode())
        right = hmac.compare_digest(secret.encode(), self.config.client_secret.encode())
        if not (known and right):
            raise Refusal(401, "Invalid client credentials.")

    def _new(self, sub: str) -> Answer:
        token = secrets.token_urlsafe(32)
        expires_at = time.time() + self.config.token_seconds
        self.state.execute(
            "INSERT INTO token VALUES (?,?,?,?,?)",
            (_digest(token), self.config.client_id, sub, dumps(self._scopes()), expires_at),
        )
        return found(
            {
                "token_type": "Bearer",
                "access_token": token,
                "expires_in": self.config.token_seconds,
                "expires_at": instants.written(datetime.fromtimestamp(expires_at, UTC)),
            }
        )

    def _scopes(self) -> list[str]:
        return sorted(self.state.setting("scopes", sorted(self.config.scopes)))

    def check(self, request: Request) -> Credential:
        """The credential behind the bearer token; raises Refusal(401)."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise Refusal(401, "Missing bearer token.")
        row = self.state.one("SELECT * FROM token WHERE digest=?", (_digest(token.strip()),))
        if row is None:
            raise Refusal(401, "Invalid access token.")
        if row["expires_at"] <= time.time():
            raise Refusal(401, "Access token has expired.")
        return Credential(row["client_id"], row["sub"], frozenset(json.loads(row["scopes"])))

    def expire_all(self) -> int:
        return self.state.execute("UPDATE token SET expires_at = 0")
