"""Handing a mail to the server that LETHE_MAIL_HOST names. No address reaches a log."""

from __future__ import annotations

import smtplib
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from apps.outbox.kinds import Mail, NotTaken

#: There is one; no host is called that.
SERVER: Final = "@"
_PERMANENT = 500
#: RFC 5321 §4.2.3: the service is closing, whatever was asked; the mail is too large.
_CLOSING, _TOO_LARGE = 421, 552


def post(message_id: UUID, mail: Mail) -> None:
    """Raises NotTaken unless the server took it; whether it arrives no server says."""
    headers = {
        # The same at every try: two copies are one to a mail program.
        "Message-ID": f"<{message_id}@{settings.LETHE_NAME.split('/')[0]}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody answers it by machine
        "Content-Language": mail.language,
    }
    server = get_connection(fail_silently=False)
    letter = EmailMessage(mail.subject, mail.body, to=[mail.to], headers=headers, connection=server)
    try:
        # On its own: a certificate that does not fit is a ValueError too, and no address's fault.
        server.open()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotTaken("mail_server", away=SERVER) from error
    try:
        sent = letter.send()
    except (ValueError, UnicodeError) as error:  # what the ATS calls an address is none
        raise NotTaken("address_refused", final=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        final = bool(codes) and min(codes) >= _PERMANENT
        raise NotTaken("address_refused", final=final) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotTaken("mail_server", away="" if _is_about_it(error) else SERVER) from error
    finally:
        with suppress(smtplib.SMTPException, OSError):  # it was taken, or was not
            server.close()
    if not sent:  # to nobody: no server was asked
        raise NotTaken("address_refused", final=True)


def _is_about_it(error: Exception) -> bool:
    """Whether the server answered about this mail: there is one sender for all."""
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return True
    if not isinstance(error, smtplib.SMTPResponseException):
        return False
    of_all = isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code != _TOO_LARGE
    return error.smtp_code != _CLOSING and not of_all
