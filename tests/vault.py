"""A Vault: its transit engine's documented HTTP interface, over a real port.

https://developer.hashicorp.com/vault/api-docs/secret/transit: encrypt, decrypt, rotate and the
minimum version to decrypt, of one key of type aes256-gcm96. What it was not tried against is a real
Vault: there is none on the machines that test this.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.only-for-tests"


@dataclass
class Vault:
    url: str = ""
    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    min_decryption_version: int = 1
    sealed: bool = False
    calls: int = 0

    def rotate(self) -> None:
        self.versions.append(os.urandom(32))

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        self.calls += 1
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/transit/encrypt/lethe":
            return 200, {"data": self._encrypt(body)}
        if path == "/v1/transit/decrypt/lethe":
            return self._decrypt(body)
        return 404, {"errors": []}

    def _encrypt(self, body: dict[str, Any]) -> dict[str, Any]:
        nonce = os.urandom(12)
        plain, bound = (base64.b64decode(body[key]) for key in ("plaintext", "associated_data"))
        sealed = nonce + AESGCM(self.versions[-1]).encrypt(nonce, plain, bound)
        version = len(self.versions)
        text = base64.b64encode(sealed).decode()
        return {"ciphertext": f"vault:v{version}:{text}", "key_version": version}

    def _decrypt(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            _name, version, text = body["ciphertext"].split(":")
            number = int(version.removeprefix("v"))
            sealed = base64.b64decode(text)
            if not self.min_decryption_version <= number <= len(self.versions):
                return 400, {"errors": ["ciphertext or signature version is disallowed by policy"]}
            bound = base64.b64decode(body["associated_data"])
            plain = AESGCM(self.versions[number - 1]).decrypt(sealed[:12], sealed[12:], bound)
        except (ValueError, InvalidTag):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextlib.contextmanager
def open_vault() -> Iterator[Vault]:
    found = Vault()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = found.answer(self.path, body, self.headers["X-Vault-Token"] or "")
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
