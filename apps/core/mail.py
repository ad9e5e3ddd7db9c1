"""Mail where there is no mail server: refused, in words, instead of printed or dropped."""

from __future__ import annotations

from typing import NoReturn

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Unavailable


class NoServer(BaseEmailBackend):
    """Django's own stand-ins either print people into the log or say that a mail was sent."""

    def send_messages(self, _messages: list[EmailMessage]) -> NoReturn:  # type: ignore[override]  # never returns
        raise Unavailable(
            "no_mail_server",
            _("There is no mail server, so no message was sent. Ask your operator."),
        )
