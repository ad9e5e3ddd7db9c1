"""The limit all processes keep together: never above it, nearly all of it, and never blind."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from apps.connectors import limiter, services
from apps.connectors.errors import ConnectorError
from apps.connectors.fakes.greenhouse import start
from apps.connectors.limiter import Alone, InTransaction, Shared, told
from apps.connectors.models import RateWindow
from apps.controllers import services as controllers
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.errors import Unavailable

from .greenhouse_caller import calling, config

#: A vendor's clock in these tests: seconds since an instant of its own.
NOW = 1_700_000_000


@pytest.fixture
def window(transactional_db: None) -> RateWindow:
    """The limiter's row of a new connection; committed, so that other processes see it."""
    acme = controllers.register(
        actor=SYSTEM,
        name="Acme",
        country="FR",
        time_zone="Europe/Paris",
        dpo_name="Dora",
        dpo_email="dora@acme.example",
    )
    with scope.enter(acme.pk):
        connection = services.connect(actor=SYSTEM, name="Any", vendor="csv")
    return RateWindow.objects.get(pk=connection.pk)


def headers(
    remaining: int, *, now: float = NOW, ends_in: int = 10, allowed: int = 50
) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(allowed),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(now) + ends_in),
        "Date": format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True),
    }


def state(row: RateWindow) -> RateWindow:
    return RateWindow.objects.get(pk=row.pk)


def meter(row: RateWindow, patience: float = 0.05) -> Shared:
    return Shared(row.pk, patience=patience)


def test_the_first_request_goes_alone_to_find_the_limit_out(window: RateWindow) -> None:
    scout = meter(window).take()
    assert scout.scout
    with pytest.raises(ConnectorError, match=r"^rate_limited$"):
        meter(window).take()
    meter(window).learn(scout, headers(49), 200)
    assert (state(window).allowed, state(window).remaining) == (50, 49)
    assert not meter(window).take().scout


def test_no_more_is_given_than_the_vendor_said_is_left(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(3), 200)
    for _turn in range(3):
        meter(window).take()
    with pytest.raises(ConnectorError) as caught:
        meter(window).take()
    assert caught.value.retry_after is not None


def test_another_user_of_the_credential_lowers_what_is_left(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(49), 200)
    meter(window).learn(meter(window).take(), headers(5), 200)
    assert state(window).remaining == 5


def test_answers_out_of_order_give_nothing_back(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(49), 200)
    first, second = meter(window).take(), meter(window).take()
    meter(window).learn(second, headers(47), 200)
    meter(window).learn(first, headers(48), 200)
    assert state(window).remaining == 47
    assert state(window).taken == 0


def test_what_is_under_way_at_the_boundary_is_set_against_the_new_window(
    window: RateWindow,
) -> None:
    meter(window).learn(meter(window).take(), headers(49), 200)
    under_way = [meter(window).take() for _turn in range(10)]
    # One of them was counted in the next window already; nine may still be.
    meter(window).learn(under_way[0], headers(49, now=NOW + 10), 200)
    assert state(window).remaining == 49 - 9
    for ticket in under_way[1:5]:
        meter(window).learn(ticket, headers(45, now=NOW + 10), 200)
    assert state(window).remaining == 40, "those answers were expected"
    assert state(window).late == 5


def test_a_killed_process_costs_its_requests_of_a_window_and_no_more(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(49), 200)
    for _lost in range(5):
        meter(window).take()
    left = []
    for turn in range(1, 4):
        RateWindow.objects.filter(pk=window.pk).update(resets_at=datetime.now(UTC))
        meter(window).learn(meter(window).take(), headers(49, now=NOW + 10 * turn), 200)
        left.append(state(window).remaining)
    assert left == [44, 44, 49]


def test_after_the_end_of_a_window_one_scout_goes_and_the_others_wait(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(49, ends_in=0), 200)
    time.sleep(0.05)
    scout = meter(window).take()
    assert scout.scout
    with pytest.raises(ConnectorError):
        meter(window).take()
    meter(window).learn(scout, headers(49, now=NOW + 30), 200)
    assert state(window).remaining == 49


def test_a_scout_that_finds_the_old_window_waits_for_its_end(window: RateWindow) -> None:
    meter(window).learn(meter(window).take(), headers(0, ends_in=10), 200)
    RateWindow.objects.filter(pk=window.pk).update(resets_at=datetime.now(UTC))
    scout = meter(window).take()
    meter(window).learn(scout, headers(0, now=NOW + 9, ends_in=1), 429)
    with pytest.raises(ConnectorError) as caught:
        meter(window).take()
    assert 0.5 < (caught.value.retry_after or 0) <= 1.1
    assert not state(window).scouting


def test_a_scout_that_never_comes_back_is_replaced(
    window: RateWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "SCOUT_LEASE", 0.1)
    meter(window).take()
    assert meter(window, patience=2).take().scout


@pytest.mark.parametrize("status", [None, 200, 500])
def test_a_vendor_that_says_nothing_gets_a_request_a_second(
    window: RateWindow, status: int | None
) -> None:
    meter(window).learn(meter(window).take(), None if status is None else {}, status)
    started = time.monotonic()
    assert meter(window, patience=3).take().scout
    assert 0.8 < time.monotonic() - started < 2


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_by_everyone(window: RateWindow, status: int) -> None:
    meter(window).learn(meter(window).take(), headers(40), 200)
    meter(window).learn(meter(window).take(), headers(39) | {"Retry-After": "1"}, status)
    waited = []

    def wait() -> None:
        started = time.monotonic()
        meter(window, patience=3).take()
        waited.append(time.monotonic() - started)
        connection.close()

    threads = [threading.Thread(target=wait) for _turn in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waited) == 3
    assert min(waited) > 0.8


def test_inside_a_transaction_it_refuses(window: RateWindow) -> None:
    with transaction.atomic(), pytest.raises(InTransaction):
        meter(window).take()
    assert state(window).taken == 0


def test_without_the_database_nothing_is_sent(
    window: RateWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_values: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(connection, "cursor", away)
    with pytest.raises(Unavailable, match=r"^limiter$"):
        meter(window).take()


def test_a_connection_without_a_window_is_refused(transactional_db: None) -> None:
    with pytest.raises(Unavailable):
        Shared(UUID(int=7), patience=0.1).take()


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "x", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "inf"},
    ],
)
def test_headers_that_make_no_sense_say_nothing(bad: dict[str, str]) -> None:
    assert told(bad) is None


def test_the_end_of_a_window_is_late_by_less_than_a_second_never_early() -> None:
    # The vendor's clock stands at .9 of the second its Date header names.
    news = told(headers(1, now=NOW + 0.9, ends_in=10))
    assert news is not None
    assert news.ends_in == pytest.approx(10)


@pytest.mark.faults
def test_alone_a_meter_keeps_the_limit_too(tmp_path: Path) -> None:
    with start(config(tmp_path, limit=5, window=2)) as fake, calling(fake) as caller:
        before = stats(caller)["answered"]
        alone, sent = Alone(), 0
        end = time.monotonic() + 4
        while time.monotonic() < end:
            ticket = alone.take()
            found = caller.get("candidates")
            alone.learn(ticket, found.headers, found.status_code)
            sent += 1
        assert stats(caller)["refused"] == 0
    assert sent >= 8
    assert before == 0


def stats(caller: Any) -> dict[str, Any]:
    found: dict[str, Any] = caller.control("GET", "stats")
    return found


#: A worker: asks until a given instant, as fast as the limiter lets it.
WORKER = """
import json, sys, time
import django
django.setup()
from uuid import UUID
from apps.connectors.errors import ConnectorError
from apps.connectors.http import Client, Target
from apps.connectors.limiter import Shared
connection, url, token = json.loads(sys.argv[1])
client, sent = Client(Shared(UUID(connection))), 0
print("ready", flush=True)
until = float(sys.stdin.readline())
while time.time() < until:
    client.read(Target("GET", url + "/v3/candidates", token))
    sent += 1
print(sent)
"""


def worker(arguments: str) -> subprocess.Popen[str]:
    """A process that has started and waits to be told until when it shall ask."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WORKER, arguments]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.faults
@pytest.mark.parametrize("processes", [1, 2])
def test_processes_together_use_the_limit_and_never_exceed_it(
    window: RateWindow, tmp_path: Path, processes: int
) -> None:
    limit, seconds, windows = 40, 3, 4
    with start(config(tmp_path, limit=limit, window=seconds)) as fake, calling(fake) as caller:
        token = caller.client.headers["Authorization"]
        arguments = json.dumps([str(window.pk), fake.url, token])
        workers = [worker(arguments) for _turn in range(processes)]
        until = time.time() + seconds * (windows + 2)
        for one in workers:
            assert one.stdin is not None
            one.stdin.write(f"{until}\n")
            one.stdin.flush()
        sent = [int(one.communicate(timeout=60)[0]) for one in workers]
        found = stats(caller)
    assert [one.returncode for one in workers] == [0] * processes
    assert found["refused"] == 0, "not one request above the limit"
    assert found["max_answered"] <= limit
    whole = [one["answered"] for one in found["windows"] if one["answered"]][1:-1]
    assert len(whole) >= windows - 1
    assert sum(whole) >= 0.95 * limit * len(whole), whole
    assert min(sent) > 0, "each process gets its turn"
