"""Lethe's own HTTP door in a process of its own, where the vendor's webhooks arrive.

python -m tests.bench.rows.doorway
"""

from __future__ import annotations

import socketserver
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from config.wsgi import application
from tests.bench.rows import processes


class _Threads(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


def main() -> None:
    with make_server(
        "127.0.0.1", 0, application, server_class=_Threads, handler_class=_Silent
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in processes.listen():
            processes.say(server.server_address[1])


if __name__ == "__main__":
    main()
