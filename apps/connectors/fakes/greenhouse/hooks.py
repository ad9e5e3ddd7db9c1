"""Webhooks: queued in the state, signed over the raw bytes, retried until a 200.

`Signature: sha256 <hex>` (algorithm, a space, HMAC-SHA256 of the raw body) and
`Greenhouse-Event-ID`, the same for every attempt of one event. Up to seven attempts; any
answer but 200 counts as failed, and redirects are not followed.

A body leaves the state with its delivery, or when it is given up. Undelivered events about
a person who is erased meanwhile go too: what the vendor's own queue still holds then is
undocumented, and no customer could reach it.
"""

import contextlib
import hashlib
import hmac
import http.client
import threading
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from sqlite3 import Row
from typing import Final

from . import instants
from .config import RETRY_MINUTES, Config
from .faults import Faults
from .state import Json, State, dumps

_BATCH: Final = 32
_SENDERS: Final = 4


def signature(secret: str, body: bytes) -> str:
    return "sha256 " + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Queue:
    """Events waiting in the state. `wake` is set when one was added."""

    state: State
    faults: Faults
    wake: threading.Event

    def target(self, config: Config) -> tuple[str, str]:
        """(URL, secret): the control plane's choice, else the configuration's."""
        return (
            self.state.setting("webhook_url", config.webhook_url),
            self.state.setting("webhook_secret", config.webhook_secret),
        )

    def add(self, action: str, payload: Json, *, candidate_id: int | None) -> None:
        ids = () if candidate_id is None else (candidate_id,)
        lost = self.faults.strike("webhook_lost", ids, action=action)
        body = dumps({"action": action, "payload": payload})
        self.state.insert(
            "INSERT INTO delivery (event_id, action, candidate_id, body, due) VALUES (?,?,?,?,?)",
            (
                str(uuid.uuid4()),
                action,
                candidate_id,
                None if lost else body,
                None if lost else time.time(),
            ),
        )
        self.wake.set()

    def forget(self, candidate_id: int) -> None:
        """Drop what is still undelivered about this person."""
        self.state.execute(
            "UPDATE delivery SET body=NULL, due=NULL WHERE candidate_id=? AND due IS NOT NULL",
            (candidate_id,),
        )

    def due(self) -> list[Row]:
        return self.state.all(
            "SELECT * FROM delivery WHERE due IS NOT NULL AND due <= ? ORDER BY n LIMIT ?",
            (time.time(), _BATCH),
        )

    def delivered(self, row: Row) -> None:
        self.state.execute(
            "UPDATE delivery SET body=NULL, due=NULL, status=200, attempts=attempts+1,"
            " delivered_at=? WHERE n=?",
            (instants.now(), row["n"]),
        )

    def failed(self, row: Row, status: int | None, minute: float) -> None:
        attempts = row["attempts"] + 1
        over = attempts > len(RETRY_MINUTES)
        due = None if over else time.time() + RETRY_MINUTES[attempts - 1] * minute
        self.state.execute(
            "UPDATE delivery SET attempts=?, status=?, due=?,"
            " body=CASE WHEN ? THEN NULL ELSE body END WHERE n=? AND due IS NOT NULL",
            (attempts, status, due, over, row["n"]),
        )

    def listed(self) -> list[Json]:
        """Every event so far, without its body."""
        rows = self.state.all(
            "SELECT n, event_id, action, candidate_id, attempts, status, delivered_at,"
            " due IS NOT NULL AS waiting FROM delivery ORDER BY n"
        )
        return [dict(row) | {"waiting": bool(row["waiting"])} for row in rows]


def post(url: str, body: bytes, headers: dict[str, str], *, timeout: float) -> int | None:
    """The status of the answer, or None when there was none."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", target, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    return None


class Sender:
    """Delivers what is due, a few at a time, in the order it was queued as far as it goes."""

    def __init__(self, queue: Queue, config: Config) -> None:
        self._queue = queue
        self._config = config
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")

    def run(self) -> int:
        """One batch; how many were tried. Without a URL they wait."""
        url, secret = self._queue.target(self._config)
        if not url:
            return 0
        rows = self._queue.due()
        list(self._pool.map(lambda row: self._send(row, url, secret), rows))
        return len(rows)

    def _send(self, row: Row, url: str, secret: str) -> None:
        body = row["body"].encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Greenhouse Hooks",
            "Greenhouse-Event-ID": row["event_id"],
            "Signature": signature(secret, body),
        }
        status = post(url, body, headers, timeout=self._config.webhook_timeout)
        if status == http.client.OK:
            self._queue.delivered(row)
        else:
            self._queue.failed(row, status, self._config.webhook_minute)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
