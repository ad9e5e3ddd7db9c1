"""A post office: a real SMTP server on this machine that keeps what it is given, or refuses it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from pytest_django import Settings


@dataclass
class PostOffice:
    """`refuses` is the answer to every recipient instead of taking the mail: "550 no such user"."""

    letters: list[EmailMessage] = field(default_factory=list)
    refuses: str = ""

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def body(self, number: int = -1) -> str:
        return str(self.letters[number].get_content())


class _AnyPort(Controller):
    """The library dials its own port to be sure that it runs; of 0 it does not know which."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library has no types


@contextlib.contextmanager
def open_office(settings: Settings) -> Iterator[PostOffice]:
    """The settings of an installation with a mail server, as config/settings.py reads them."""
    office = PostOffice()
    server = _AnyPort(office, hostname="127.0.0.1", port=0)
    server.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS, settings.DEFAULT_FROM_EMAIL = False, "rgpd@nordlys.example"
        yield office
    finally:
        server.stop()
