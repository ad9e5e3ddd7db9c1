"""Writes of this room: connections and what their vendors tell us.

A connection is tried before it is kept: a wrong credential, a missing scope or an account that
is connected already leaves nothing behind. HTTP always happens before the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.connectors import credentials as sealed
from apps.connectors import events, limiter, selectors
from apps.connectors.csv_import import adapter as csv_import
from apps.connectors.greenhouse import adapter as greenhouse
from apps.connectors.greenhouse import fields as greenhouse_fields
from apps.connectors.greenhouse import webhooks
from apps.connectors.http import ConnectorError, Meter
from apps.connectors.models import Connection, RateWindow, Vendor, VendorEvent
from apps.connectors.port import Action, Capabilities, Connector
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused, Unavailable
from apps.core.ids import new_id

_COUNTRY = re.compile(r"(?:[A-Z]{2})?")
_MOST_SECONDS = 365 * 86_400
_CAPABILITIES: Mapping[str, Capabilities] = {
    Vendor.GREENHOUSE: greenhouse_fields.CAPABILITIES,
    Vendor.CSV: csv_import.CAPABILITIES,
}
#: What holds erasures back, and how little or much may be said: a DPO's to change, by
#: erasure.set_brakes.
BRAKES: Mapping[str, tuple[int, int]] = {
    "most_per_run": (1, 100_000),
    "most_percent": (1, 100),
    "most_per_day": (1, 1_000_000),
    "alone_up_to": (0, 100_000),
}
#: When erasures are sent: a DPO's to change as well.
HOURS = ("acts_from", "acts_until", "acts_on_weekdays")
#: What `change` takes besides credentials.
CHANGEABLE = (
    "name",
    "action",
    "country",
    "candidate_url",
    "pool_tags",
    "grace_seconds",
    "settle_seconds",
    *BRAKES,
    *HOURS,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a webhook: taken in, seen before, or about nothing we keep."""

    outcome: Literal["stored", "repeated", "ignored"]
    action: str


def capabilities(connection: Connection) -> Capabilities:
    """What this kind of connection can do; needs no credential."""
    return _CAPABILITIES[connection.vendor]


def adapter(connection: Connection) -> Connector:
    """The connection's adapter under the limiter all processes share.

    Raises Unavailable when the credentials do not open.
    """
    return _adapter(connection, sealed.open_of(connection), limiter.Shared(connection.pk))


def _adapter(connection: Connection, values: Mapping[str, str], meter: Meter) -> Connector:
    return _ADAPTERS[connection.vendor](connection, values, meter)


def _greenhouse(connection: Connection, values: Mapping[str, str], meter: Meter) -> Connector:
    account = greenhouse.Account(
        client_id=values["client_id"],
        client_secret=values["client_secret"],
        user_id=values["sub"],
        action=cast(Action, connection.action),
        pool_tags=connection.pool_tags,
        base_url=connection.base_url,
        auth_url=connection.auth_url,
    )
    return greenhouse.Greenhouse(account, meter)


def _csv(_connection: Connection, _values: Mapping[str, str], _meter: Meter) -> Connector:
    return csv_import.CsvImport()


_ADAPTERS: Mapping[str, Callable[[Connection, Mapping[str, str], Meter], Connector]] = {
    Vendor.GREENHOUSE: _greenhouse,
    Vendor.CSV: _csv,
}


def connect(
    *,
    actor: Actor,
    name: str,
    vendor: str,
    credentials: Mapping[str, str] | None = None,
    base_url: str = "",
    auth_url: str = "",
    action: str = Connection.Action.ANONYMIZE,
    country: str = "",
    pool_tags: Sequence[str] = (),
    grace_seconds: int = 86_400,
    settle_seconds: int = 3_600,
) -> Connection:
    """Try an account, then keep it. Empty addresses are the vendor's own.

    Raises Invalid naming the value that is wrong, Refused for missing scopes, Conflict when
    the account is connected already, Unavailable when the ATS does not answer.
    """
    if vendor not in Vendor.values:
        raise Invalid("vendor", _("There is no connector for this ATS."), field="vendor")
    connection = Connection(
        id=new_id(),
        controller_id=scope.current(),
        name=name,
        vendor=vendor,
        base_url=sealed.address(base_url, field="base_url"),
        auth_url=sealed.address(auth_url, field="auth_url"),
        action=action,
        country=country,
        pool_tags=pool_tags,
        grace_seconds=grace_seconds,
        settle_seconds=settle_seconds,
    )
    _check_settings(connection)
    values = sealed.checked(vendor, credentials or {})
    connection.account = _account(connection, values, limiter.Alone())
    connection.credentials = sealed.seal(connection.pk, values)
    _keep(connection, actor)
    return connection


def _keep(connection: Connection, actor: Actor) -> None:
    try:
        with transaction.atomic():
            connection.save(force_insert=True)
            RateWindow.objects.create(connection=connection)
            audit.record(
                events.CONNECTED,
                actor=actor,
                object_id=connection.pk,
                codes={"vendor": connection.vendor, "action": connection.action},
            )
    except IntegrityError as error:
        # Of another controller perhaps: neither its name nor its existence is told.
        raise Conflict(
            "account_connected", _("This ATS account is connected already."), field="credentials"
        ) from error


def change(
    *,
    actor: Actor,
    connection_id: UUID,
    values: Mapping[str, Any],
    credentials: Mapping[str, str] | None = None,
) -> Connection:
    """Change settings, and credentials when given (those left out stay as they are).

    New credentials are tried first and must lead to the same account. Raises as `connect`.
    """
    connection = _get(connection_id)
    tags = connection.pool_tags
    for field, value in values.items():
        if field not in CHANGEABLE:
            raise Invalid("unknown_setting", _("There is no such setting."), field=field)
        setattr(connection, field, value)
    _check_settings(connection)
    if credentials:
        _renew(connection, credentials)
    with transaction.atomic():
        connection.save(update_fields=[*values, "credentials"])
        if connection.pool_tags != tags:  # tags are not kept: whoever has one is read again
            Connection.objects.filter(pk=connection.pk).update(cursor="", synced_at=None)
        changed = len(values) + len(credentials or {})
        audit.record(
            events.CHANGED, actor=actor, object_id=connection.pk, counts={"changed": changed}
        )
    return connection


def _renew(connection: Connection, given: Mapping[str, str]) -> None:
    kept = sealed.checked(connection.vendor, sealed.open_of(connection) | dict(given))
    if _account(connection, kept, limiter.Shared(connection.pk)) != connection.account:
        raise Refused(
            "another_account",
            _("These credentials open another account. Connect it as a new connection."),
            field="credentials",
        )
    connection.credentials = sealed.seal(connection.pk, kept)


def check(*, connection_id: UUID) -> None:
    """Ask the ATS whether the kept credentials still do. Raises Missing, or as `connect`."""
    connection = _get(connection_id)
    _account(connection, sealed.open_of(connection), limiter.Shared(connection.pk))


@transaction.atomic
def pause(*, actor: Actor, connection_id: UUID) -> None:
    """No sync and no new step until it is resumed. Raises Missing, Conflict when paused."""
    _switch(connection_id, {Connection.State.ACTIVE, Connection.State.FAILING}, "paused")
    audit.record(events.PAUSED, actor=actor, object_id=connection_id)


@transaction.atomic
def resume(*, actor: Actor, connection_id: UUID) -> None:
    """Raises Missing, or Conflict unless it is paused."""
    _switch(connection_id, {Connection.State.PAUSED}, "active")
    audit.record(events.RESUMED, actor=actor, object_id=connection_id)


def _switch(connection_id: UUID, states: set[Connection.State], state: str) -> None:
    _get(connection_id)
    rows = Connection.objects.filter(pk=connection_id, state__in=states)
    if not rows.update(state=state, failure=""):
        raise Conflict("connection_state", _("The connection is in this state already."))


@transaction.atomic
def note_failure(*, actor: Actor, connection_id: UUID, code: str) -> None:
    """Remember why a connection fails; one ledger entry when the reason is new."""
    rows = Connection.objects.filter(pk=connection_id).exclude(state=Connection.State.PAUSED)
    changed = rows.exclude(state=Connection.State.FAILING, failure=code)
    if changed.update(state=Connection.State.FAILING, failure=code):
        audit.record(events.FAILED, actor=actor, object_id=connection_id, codes={"failure": code})


@transaction.atomic
def note_synced(*, actor: Actor, connection_id: UUID, at: datetime) -> None:
    """The connection was read to its end, begun at this instant."""
    Connection.objects.filter(pk=connection_id).update(synced_at=at)
    failing = Connection.objects.filter(pk=connection_id, state=Connection.State.FAILING)
    if failing.update(state=Connection.State.ACTIVE, failure=""):
        audit.record(events.RECOVERED, actor=actor, object_id=connection_id)


def receive(*, connection_id: UUID, headers: Mapping[str, str], body: bytes) -> Delivery:
    """A webhook as it came, body unparsed. Nothing is read from it before it is verified.

    There is no actor until then, and afterwards it is the vendor of this connection.
    Raises Missing for an unknown connection, Refused for a signature that does not fit,
    Invalid for a body that is not an event. Storing twice is the same as storing once.
    """
    with scope.unscoped("the connection itself tells the controller"):
        connection = Connection.objects.filter(pk=connection_id, vendor=Vendor.GREENHOUSE).first()
    given = {name.lower(): value for name, value in headers.items()}
    signed = given.get(webhooks.SIGNATURE_HEADER.lower(), "")
    if connection is None:
        webhooks.signature("nobody's", body)  # as much work as for a connection that exists
        raise _no_connection()
    with scope.enter(connection.controller_id):
        secret = sealed.open_of(connection).get("webhook_secret", "")
        webhooks.verify(secret, signed, body)
        event = webhooks.parse(body)
        if not event.candidate_id:
            return Delivery("ignored", event.action)
        return _store(connection, webhooks.delivery(headers), event)


def _store(connection: Connection, delivery: str, event: webhooks.Event) -> Delivery:
    _row, created = VendorEvent.objects.get_or_create(
        connection=connection,
        delivery=delivery,
        defaults={
            "controller_id": connection.controller_id,
            "action": event.action,
            "remote_digest": selectors.remote_digest(connection.pk, event.candidate_id),
            "fields": list(event.fields),
        },
    )
    return Delivery("stored" if created else "repeated", event.action)


def _account(connection: Connection, values: Mapping[str, str], meter: Meter) -> str:
    try:
        found = _adapter(connection, values, meter).check()
    except ConnectorError as error:
        raise _unreachable(error.code) from error
    if found.code == "unauthorized":
        raise Invalid(
            "unauthorized",
            _("The ATS refuses these credentials. Check the client id, the secret and the user."),
            field="credentials",
        )
    if not found.ok:
        raise Refused(
            "scopes_missing",
            _("The credential lacks permissions. Add these scopes in the ATS: %(scopes)s.")
            % {"scopes": ", ".join(found.missing_scopes)},
            field="credentials",
        )
    return found.account


def _unreachable(code: str) -> DomainError:
    if code == "host_refused":
        return Invalid("host_refused", _("This host is not allowed."), field="base_url")
    return Unavailable(
        code, _("The ATS does not answer as documented. Check the address, then try again.")
    )


def _get(connection_id: UUID) -> Connection:
    connection: Connection | None = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        raise _no_connection()
    return connection


def _no_connection() -> Missing:
    return Missing("connection", _("There is no such connection."))


def _check_settings(connection: Connection) -> None:
    connection.name = connection.name.strip()
    if not connection.name or len(connection.name) > 100:
        raise Invalid(
            "name", _("Give the connection a name of at most 100 characters."), field="name"
        )
    if connection.action not in Connection.Action.values:
        raise Invalid("action", _("Choose to anonymize or to delete."), field="action")
    if not _COUNTRY.fullmatch(connection.country):
        raise Invalid("country", _("Use a two-letter country code, such as FR."), field="country")
    _check_candidate_url(connection)
    for field in ("grace_seconds", "settle_seconds"):
        value = getattr(connection, field)
        if not isinstance(value, int) or not 0 <= value <= _MOST_SECONDS:
            raise Invalid(field, _("Give a whole number of seconds, up to a year."), field=field)
    for field, (least, most) in BRAKES.items():
        value = getattr(connection, field)
        if not isinstance(value, int) or not least <= value <= most:
            message = _("Give a whole number from %(least)d to %(most)d.")
            raise Invalid(field, message % {"least": least, "most": most}, field=field)
    since, until = connection.acts_from, connection.acts_until
    if (since is None) != (until is None) or (since and until and since >= until):
        message = _("Give both hours, the first before the second, or none.")
        raise Invalid("acts_until", message, field="acts_until")
    connection.pool_tags = _tags(connection.pool_tags)


def _check_candidate_url(connection: Connection) -> None:
    url = connection.candidate_url.strip()
    connection.candidate_url = url
    if url and (not url.startswith("https://") or url.count("{id}") != 1 or len(url) > 300):
        message = _("Give an https address with {id} where the candidate's id stands.")
        raise Invalid("candidate_url", message, field="candidate_url")


def _tags(given: Sequence[str]) -> list[str]:
    if isinstance(given, str) or not all(tag.strip() for tag in given):
        raise Invalid("pool_tags", _("Give the tags as a list of words."), field="pool_tags")
    return sorted({tag.strip() for tag in given})
