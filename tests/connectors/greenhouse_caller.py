"""A caller of the fake Greenhouse for tests: real HTTP, a token, and the control plane."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from apps.connectors.fakes.greenhouse import Config, Server

TODAY = date(2026, 11, 23)
SECRET = "signing-secret-of-the-tests"


def config(tmp_path: Path, **changes: Any) -> Config:
    """An account without a limit in the way; `changes` win."""
    settings: dict[str, Any] = {
        "state": tmp_path / "greenhouse.sqlite",
        "client_id": "client",
        "client_secret": "secret",
        "limit": 10_000,
        "webhook_secret": SECRET,
        "webhook_minute": 0.02,
        "today": TODAY,
    }
    return Config(**(settings | changes))


@dataclass
class Caller:
    """Calls `fake` as its customer would, and steers it as only a test may."""

    fake: Server
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5))

    def token(self, **form: str) -> httpx.Response:
        data = {"grant_type": "client_credentials", "sub": "4004"} | form
        return self.client.post(self.fake.token_url, data=data, auth=("client", "secret"))

    def sign_in(self) -> None:
        token = self.token().json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"{self.fake.url}/v3/{path}", params=query)

    def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    def anonymize(self, candidate_id: int, *fields: str) -> httpx.Response:
        url = f"{self.fake.url}/v3/candidates/{candidate_id}/anonymize"
        return self.client.patch(url, json={"fields": list(fields)})

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.client.request(method, f"{self.fake.url}/v3/{path}", json=body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(
            method,
            f"{self.fake.url}/_control/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.fake.control_token}"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, name: str, **settings: Any) -> None:
        self.control("POST", "faults", {"name": name, **settings})

    def effects(self, candidate_id: int) -> list[str]:
        every = self.control("GET", "effects")
        return [effect["action"] for effect in every if effect["candidate_id"] == candidate_id]

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        entities: dict[str, list[dict[str, Any]]] = self.control("GET", "dump")["entities"]
        return entities


@contextmanager
def calling(fake: Server) -> Iterator[Caller]:
    caller = Caller(fake)
    with caller.client:
        caller.sign_in()
        yield caller


@dataclass
class Mailbox:
    """A receiver of webhooks: what arrived, and the statuses it answers with, last one for ever."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        self.received.append((headers, body))
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def wait(self, count: int, *, seconds: float = 5) -> None:
        until(lambda: len(self.received) >= count, seconds=seconds)


def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    """Wait for it; fails after that many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = box.answer({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object, **_named: object) -> None:
            """Silence."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    box.url = f"http://127.0.0.1:{server.server_port}/hooks"
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
