"""The HTTP server around the account: keep-alive, request ids, faults of the wire, threads."""

import contextlib
import json
import socket
import threading
import time
import urllib.parse
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from . import instants
from .account import Account
from .answers import Answer, Refusal, Request
from .config import Config

_MAX_BODY = 64 * 1024 * 1024
_IDLE_SECONDS = 0.05


class _Handler(BaseHTTPRequestHandler):
    """One connection. The account decides; this only carries."""

    protocol_version = "HTTP/1.1"
    server_version = "FakeGreenhouse"
    sys_version = ""
    # An answer is one write; Nagle would hold it back for the next one.
    disable_nagle_algorithm = True
    timeout = 120

    def _carry(self) -> None:
        began = time.monotonic()
        server = cast("_HTTPServer", self.server)
        request = self._request()
        try:
            answer = server.account.answer(request)
        except Exception as error:  # noqa: BLE001 - a bug of the fake must show as a 500, with its type
            answer = Refusal(500, type(error).__name__).answer()
        if answer.hold:
            server.stopping.wait(answer.hold)
        # Noted before it leaves: a caller may kill the fake as soon as it has the answer.
        server.note(request, answer, time.monotonic() - began)
        if answer.lost:
            self.close_connection = True
        else:
            self._send(request, answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _carry  # noqa: N815 - http.server calls them by these names

    def _request(self) -> Request:
        parts = urllib.parse.urlsplit(self.path)
        length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)
        return Request(
            id=str(uuid.uuid4()),
            method=self.command,
            path=parts.path,
            query=dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )

    def _send(self, request: Request, answer: Answer) -> None:
        head = {
            "Date": self.date_time_string(),
            "Server": self.server_version,
            "X-Request-Id": request.id,
            "Content-Type": answer.media,
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"
        lines = [status, *(f"{name}: {value}" for name, value in head.items()), "", ""]
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        self.close_connection = self.close_connection or answer.cut
        with contextlib.suppress(ConnectionError):
            # One write: a head that leaves alone costs the caller a delayed acknowledgement.
            self.wfile.write("\r\n".join(lines).encode("latin-1") + body)

    def log_message(self, *_args: object, **_named: object) -> None:
        """Silence: the log is written by `note`, without query values."""


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, account: Account, config: Config) -> None:
        self.account = account
        self.stopping = threading.Event()
        self._log = _Log(config.log)
        self._connections: set[socket.socket] = set()
        super().__init__((config.host, config.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that callers keep alive: nobody answers on them any more."""
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def note(self, request: Request, answer: Answer, seconds: float) -> None:
        self._log.line(
            request=request.id,
            method=request.method,
            path=request.path,
            status=None if answer.lost else answer.status,
            milliseconds=round(seconds * 1000, 1),
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hung up is no event."""


class _Log:
    """One JSON line a request: paths hold ids, query strings are left out."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8") if path else None

    def line(self, **fields: object) -> None:
        if self._file is None:
            return
        with self._lock:
            self._file.write(json.dumps({"at": instants.now(), **fields}) + "\n")
            self._file.flush()


class Server:
    """A running fake; as a context manager it stops at the end of the block."""

    def __init__(self, config: Config) -> None:
        self.account = Account(config)
        self._http = _HTTPServer(self.account, config)
        host, port = self._http.server_address[0], self._http.server_port
        self.url = f"http://{host!s}:{port}"
        self.account.url = self.url
        self._threads = [
            threading.Thread(
                target=self._http.serve_forever,
                args=(_IDLE_SECONDS,),
                name="fake-http",
                daemon=True,
            ),
            # Apart: a receiver of events that hangs must not hold up an anonymization.
            threading.Thread(target=self._complete, name="fake-completer", daemon=True),
            threading.Thread(target=self._deliver, name="fake-deliverer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    @property
    def control_token(self) -> str:
        return self.account.control_token

    def facts(self) -> dict[str, str]:
        """What a caller must know to use it."""
        return {
            "url": self.url,
            "token_url": self.token_url,
            "control_url": f"{self.url}/_control",
            "control_token": self.control_token,
        }

    def _complete(self) -> None:
        while not self._http.stopping.wait(_IDLE_SECONDS):
            self.account.complete()

    def _deliver(self) -> None:
        while not self._http.stopping.is_set():
            if not self.account.deliver():
                self.account.wake.wait(_IDLE_SECONDS)
                self.account.wake.clear()

    def stop(self) -> None:
        if self._http.stopping.is_set():
            return
        self._http.stopping.set()
        self.account.wake.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        for thread in self._threads:
            thread.join(timeout=15)
        self.account.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(config: Config) -> Server:
    """Listen on `config.host`; port 0 takes a free one. Loads people into an empty state."""
    return Server(config)
