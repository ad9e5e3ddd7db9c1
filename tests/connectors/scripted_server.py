"""A server that answers as told, one answer a request, and remembers what it was asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Instead of an answer: read the request, then close without a word.
CUT = b""


def answer(status: int, body: str = "{}", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@dataclass
class Scripted:
    url: str
    answers: list[bytes]
    #: First line of each request, and the whole of it.
    asked: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)


@contextmanager
def scripted(*answers: bytes) -> Iterator[Scripted]:
    """After the last answer the server repeats it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}", list(answers))
    stop = threading.Event()

    def serve() -> None:
        listener.settimeout(0.05)
        while not stop.is_set():
            try:
                connection, _peer = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(2)
                request = _request(connection)
                server.asked.append(request.split(b"\r\n")[0].decode())
                server.raw.append(request)
                following = server.answers
                given = following.pop(0) if len(following) > 1 else following[0]
                connection.sendall(given)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        thread.join()
        listener.close()


def _request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ontent-" in line[:9]
         and b"ength" in line),
        0,
    )  # fmt: skip
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body
