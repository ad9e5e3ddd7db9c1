"""Reads BROKER_URL: which message broker carries Celery's doorbells, and how it is spoken to.

A message holds at most an id, and the tables are the truth: a reconciler rings again for what
a broker lost. So the choice is one of convenience: `pgmq` (PostgreSQL itself, for one machine),
`redis` or `amqp` (RabbitMQ) for many.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from pgmq import PGMQInstallError, get_embedded_install_sql, install_pgmq_sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

#: Seconds after which an unacknowledged message is delivered again: longer than any task.
VISIBILITY: Final = 600
EXAMPLES: Final = (
    "pgmq://user@/lethe_broker?host=/var/run/postgresql, redis://host:6379/0 "
    "or amqp://user:password@host:5672/vhost"
)
# Any number does, as long as only this module takes it in the broker's database.
_INSTALL_LOCK: Final = 0x504D47


@dataclass(frozen=True, slots=True)
class Broker:
    """What Celery needs; `dsn` is set for pgmq only (a libpq keyword string)."""

    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    dsn: str = ""


def read(url: str) -> Broker:
    """Raises ImproperlyConfigured with what to write instead; never repeats the URL itself."""
    scheme = url.split("://", 1)[0].lower() if "://" in url else ""
    if scheme not in _READERS:
        raise ImproperlyConfigured(f"BROKER_URL must be one of: {EXAMPLES}.")
    return _READERS[scheme](url)


def _pgmq(url: str) -> Broker:
    rest = url.split("://", 1)[1]
    try:
        parts = conninfo_to_dict(f"postgresql://{rest}")
    except psycopg.ProgrammingError as error:
        raise ImproperlyConfigured(f"BROKER_URL does not parse. Examples: {EXAMPLES}.") from error
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"BROKER_URL names no database. Examples: {EXAMPLES}.")
    dsn = make_conninfo(f"postgresql://{rest}", application_name="lethe-broker")
    options = {
        # As a keyword string: from a URL the transport drops `?host=` and dials 127.0.0.1.
        "conn_string": dsn,
        "init_extension": False,
        "visibility_timeout": VISIBILITY,
        "wait_time_seconds": 0,
        "use_notify": True,
        "pool_size": 4,
        "pool_timeout": 10,
    }
    return Broker("pgmq://localhost", options, dsn)


def _redis(url: str) -> Broker:
    _need_host(url)
    return Broker(url, {"visibility_timeout": VISIBILITY, "socket_connect_timeout": 5})


def _amqp(url: str) -> Broker:
    _need_host(url)
    return Broker(url)


def _need_host(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"BROKER_URL names no usable host. Examples: {EXAMPLES}.")


_READERS: Final[Mapping[str, Callable[[str], Broker]]] = {
    "pgmq": _pgmq,
    "redis": _redis,
    "rediss": _redis,
    "amqp": _amqp,
    "amqps": _amqp,
}


def install(broker: Broker) -> None:
    """Put the pgmq functions into the broker's database, once; nothing for other brokers.

    Raises ImproperlyConfigured when the database cannot be reached or refuses.
    """
    if not broker.dsn:
        return
    try:
        with psycopg.connect(broker.dsn, connect_timeout=10) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_INSTALL_LOCK,))
            found = connection.execute("SELECT to_regtype('pgmq.message_record')").fetchone()
            # The script cannot be run twice ("already exists"): look first, under the lock.
            if found == (None,):
                install_pgmq_sql(get_embedded_install_sql(), conn=connection)
    except (psycopg.Error, PGMQInstallError) as error:
        raise ImproperlyConfigured(
            f"The broker's database of BROKER_URL cannot be used: {type(error).__name__}. Check "
            "that it exists and that its user may create a schema in it."
        ) from error
