"""Handing a mail to the server that LETHE_MAIL_HOST names. No address reaches a log."""

from __future__ import annotations

import smtplib
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from apps.outbox.kinds import Mail, NotTaken

#: There is one; no host is called that.
SERVER: Final = "@"
_PERMANENT = 500
#: It answered, about this mail alone.
_ABOUT_ONE = (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError)
_ABOUT_ALL = (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError)


def post(message_id: UUID, mail: Mail) -> None:
    """Raises NotTaken unless the server took it; whether it arrives no server says."""
    headers = {
        # The same at every try: two copies are one to a mail program.
        "Message-ID": f"<{message_id}@{settings.LETHE_NAME.split('/')[0]}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody answers it by machine
        "Content-Language": mail.language,
    }
    try:
        with get_connection(fail_silently=False) as connection:
            EmailMessage(
                mail.subject, mail.body, to=[mail.to], headers=headers, connection=connection
            ).send()
    except (ValueError, UnicodeError) as error:  # what the ATS calls an address is none
        raise NotTaken("address_refused", final=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        final = bool(codes) and min(codes) >= _PERMANENT
        raise NotTaken("address_refused", final=final) from error
    except (smtplib.SMTPException, OSError) as error:
        away = not isinstance(error, _ABOUT_ONE) or isinstance(error, _ABOUT_ALL)
        raise NotTaken("mail_server", away=away) from error
