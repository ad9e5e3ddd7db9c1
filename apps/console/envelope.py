"""An uploaded file on its way through a form, between its check and its taking.

A file of candidates must not lie about: no temporary file, no cache, no table of uploads. So
the server keeps nothing at all. The page that shows the dry run carries the file itself, sealed
under a key of the installation and bound to the person and the connection, and posts it back
when the good lines are taken. What is taken is therefore, byte for byte, what was checked; and
a page closed half-way leaves nothing behind to erase.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.core import crypto
from apps.core.errors import Invalid
from apps.keys import services as keys

_PURPOSE = "console.import"
_TABLE = "console_import"


def put(data: bytes, *, user_id: UUID, connection_id: UUID) -> str:
    """The sealed file as text for a hidden field."""
    sealed = crypto.seal(
        keys.instance_key(_PURPOSE),
        zlib.compress(data),
        table=_TABLE,
        column=str(user_id),
        row=connection_id,
    )
    return base64.b64encode(sealed).decode("ascii")


def take(text: str, *, user_id: UUID, connection_id: UUID) -> bytes:
    """The file again. Raises Invalid for anything this person was not given here."""
    try:
        sealed = base64.b64decode(text, validate=True)
        plain = crypto.open(
            keys.instance_key(_PURPOSE),
            sealed,
            table=_TABLE,
            column=str(user_id),
            row=connection_id,
        )
        return zlib.decompress(plain)
    except (binascii.Error, crypto.CryptoError, zlib.error, ValueError) as error:
        raise Invalid(
            "import_expired", _("Choose the file again: this page is too old.")
        ) from error
