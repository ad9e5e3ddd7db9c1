"""Credentials of connections: what each vendor needs, checked when typed, sealed when kept.

They are sealed under a key of the installation, not of a person: they must open after every
candidate of the connection is erased. Bound to their row, so that a copied row does not open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.connectors.http import ConnectorError, check_host
from apps.connectors.models import Connection, Vendor
from apps.core import canonical, crypto
from apps.core.errors import Invalid, Unavailable
from apps.keys import services as keys

#: Name → whether it must be given. `sub` is the id of Greenhouse's acting user.
NEEDED: Mapping[str, Mapping[str, bool]] = {
    Vendor.GREENHOUSE: {
        "client_id": True,
        "client_secret": True,
        "sub": True,
        "webhook_secret": False,
    },
    Vendor.CSV: {},
}
_PLACE = {"table": "connectors_connection", "column": "credentials"}
_LONGEST = 4_096


def checked(vendor: str, given: Mapping[str, str]) -> dict[str, str]:
    """The credentials as they are kept. Raises Invalid naming the value that is wrong."""
    needed = NEEDED[vendor]
    for name in given:
        if name not in needed:
            raise Invalid("credential_unknown", _("This vendor takes no such value."), field=name)
    values = {name: _value(name, given.get(name, "")) for name in needed}
    for name, required in needed.items():
        if required and not values[name]:
            raise Invalid("credential_missing", _("This value is needed to connect."), field=name)
    return values


def _value(name: str, value: object) -> str:
    text = value.strip() if isinstance(value, str) else None
    if text is None or not text.isascii() or (text and not text.isprintable()):
        raise Invalid(
            "credential_characters",
            _("Copy the value again: it holds characters that no credential has."),
            field=name,
        )
    if len(text) > _LONGEST:
        raise Invalid("credential_long", _("This value is too long."), field=name)
    return text


def address(value: str, *, field: str) -> str:
    """An address of an ATS, or empty for the vendor's own. Raises Invalid."""
    text = value.strip().rstrip("/")
    if not text:
        return ""
    if urlsplit(text).query or urlsplit(text).fragment:
        raise Invalid("address", _("Give the address without anything after “?”."), field=field)
    try:
        check_host(text)
    except ConnectorError as error:
        raise Invalid(
            "host_refused",
            _("This host is not allowed. Use https, and add the host to LETHE_ATS_HOSTS."),
            field=field,
        ) from error
    return text


def seal(connection_id: UUID, values: Mapping[str, str]) -> bytes:
    return crypto.seal(_key(), canonical.dumps(dict(values)), row=connection_id, **_PLACE)


def open_of(connection: Connection) -> dict[str, str]:
    """Raises Unavailable when they do not open: another root key, or a copied row."""
    if not NEEDED[connection.vendor]:
        return {}
    try:
        text = crypto.open(_key(), bytes(connection.credentials), row=connection.pk, **_PLACE)
    except crypto.CryptoError as error:
        raise Unavailable(
            "credentials_closed",
            _("The connection's credentials do not open with this root key. Enter them again."),
        ) from error
    values: dict[str, str] = json.loads(text)
    return values


def _key() -> bytes:
    return keys.instance_key("connections")
