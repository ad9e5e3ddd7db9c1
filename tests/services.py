"""`make test-services`: the journeys on a real PostgreSQL, then once per broker.

Uses the services that answer on this machine's loopback (or at LETHE_TEST_DATABASE_URL,
LETHE_TEST_REDIS_URL and LETHE_TEST_AMQP_URL), says which do not, and leaves nothing in them:
databases and roles with a name of their own, an empty Redis database, a RabbitMQ vhost made for
this run. Arguments go to pytest.
"""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

import psycopg
import redis

OLDEST: Final = 150000


class Absent(Exception):
    """The service cannot be used here; the text says why."""


def postgresql() -> str:
    """A superuser's URL. Raises Absent."""
    given = os.environ.get("LETHE_TEST_DATABASE_URL")
    users = dict.fromkeys((getpass.getuser(), "postgres"))
    urls = [given] if given else [f"postgresql://{user}@127.0.0.1:5432/postgres" for user in users]
    reason = ""
    for url in urls:
        try:
            return _checked(url)
        except (psycopg.Error, Absent) as error:
            reason = str(error).strip().splitlines()[0]
    raise Absent(f"{reason}. Set LETHE_TEST_DATABASE_URL to a superuser's URL to use another.")


def _checked(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('is_superuser')"
        ).fetchone()
    version, superuser = row or (0, "off")
    if version < OLDEST:
        raise Absent(f"PostgreSQL {version // 10000} answers, 15 or later is needed")
    if superuser != "on":
        raise Absent("its user is no superuser, and the tests make roles and databases")
    return url


@contextmanager
def pgmq() -> Iterator[Mapping[str, str]]:
    """No broker of its own: queues in a database of that PostgreSQL, dropped with the others."""
    yield {}


@contextmanager
def redis_database() -> Iterator[Mapping[str, str]]:
    """The highest empty database of a Redis, emptied again afterwards. Raises Absent."""
    base = os.environ.get("LETHE_TEST_REDIS_URL", "redis://127.0.0.1:6379").rstrip("/")
    try:
        url, client = next(_empty_databases(base))
    except redis.RedisError as error:
        raise Absent(str(error)) from error
    except StopIteration:
        raise Absent("all of its databases hold something") from None
    try:
        yield {"LETHE_TEST_BROKER_URL": url}
    finally:
        client.flushdb()
        client.close()


def _empty_databases(base: str) -> Iterator[tuple[str, "redis.Redis"]]:
    for number in range(15, -1, -1):
        client = redis.Redis.from_url(f"{base}/{number}", socket_connect_timeout=5)
        if client.dbsize() == 0:
            yield f"{base}/{number}", client
        client.close()


@contextmanager
def rabbitmq_vhost() -> Iterator[Mapping[str, str]]:
    """A vhost of this run's own, deleted afterwards. Raises Absent."""
    base = os.environ.get("LETHE_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672").rstrip("/")
    parts = urlsplit(base)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 5672), timeout=5).close()
    except OSError as error:
        raise Absent(str(error)) from error
    control = shutil.which("rabbitmqctl", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if control is None:
        raise Absent("there is no rabbitmqctl to make a vhost with")
    vhost = f"lethe_test_{secrets.token_hex(4)}"
    _rabbitmqctl(control, "add_vhost", vhost)
    try:
        user = parts.username or "guest"
        _rabbitmqctl(control, "set_permissions", "-p", vhost, user, ".*", ".*", ".*")
        yield {"LETHE_TEST_BROKER_URL": f"{base}/{vhost}"}
    finally:
        _rabbitmqctl(control, "delete_vhost", vhost)


def _rabbitmqctl(control: str, *arguments: str) -> None:
    done = subprocess.run(
        [control, "--quiet", *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Absent(f"rabbitmqctl {arguments[0]}: {said[0] if said else done.returncode}")


BROKERS: Final[Mapping[str, Callable[[], AbstractContextManager[Mapping[str, str]]]]] = {
    "pgmq": pgmq,
    "Redis": redis_database,
    "RabbitMQ": rabbitmq_vhost,
}


def _pytest(environment: Mapping[str, str], *arguments: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(command, check=False, env={**os.environ, **environment})
    return done.returncode == 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's answer


def _with_broker(name: str, database: Mapping[str, str], arguments: Sequence[str]) -> bool:
    """Whether the tests passed, or the broker is absent (which is said, not hidden)."""
    try:
        with BROKERS[name]() as environment:
            _say(f"== broker {name}: the tests that run workers")
            return _pytest({**database, **environment}, "-m", "services", *arguments)
    except Absent as error:
        _say(f"== broker {name}: SKIPPED, {error}")
        return True


def _leave(number: int, _frame: FrameType | None) -> None:
    """Through the `finally` of what was made: nothing stays in the services."""
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, _leave)
    try:
        database = {"LETHE_TEST_DATABASE_URL": postgresql()}
    except Absent as error:
        _say(f"== PostgreSQL: SKIPPED, {error}")
        _say("== Brokers: on the embedded PostgreSQL")
        database = {}
        passed = True
    else:
        _say("== PostgreSQL: the journeys, the ledger and the keys")
        passed = _pytest(database, "tests/journeys", "tests/audit", "tests/keys", *arguments)
    results = [_with_broker(name, database, arguments) for name in BROKERS]
    return 0 if passed and all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
