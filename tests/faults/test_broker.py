"""A broker must deliver again what a killed worker had taken (HOUSE §6)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import broker

pytestmark = [pytest.mark.faults, pytest.mark.services, pytest.mark.django_db(transaction=True)]


@contextmanager
def _worker(journal: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "celery", "-A", "tests.faults.doorbells", "worker"]
    options = ["--pool", "threads", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    log = journal.with_name("worker.log").open("ab")
    worker = subprocess.Popen(
        [*command, *options],
        env={**os.environ, "LETHE_TEST_JOURNAL": str(journal)},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        log.close()


def _ring(seconds: float) -> None:
    broker.install(broker.read(os.environ["BROKER_URL"]))
    code = f"from tests.faults.doorbells import slow; slow.delay({seconds})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def _until(condition: Callable[[], bool], journal: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        worker_log = journal.with_name("worker.log")
        assert time.monotonic() < deadline, worker_log.read_text()[-2000:]
        time.sleep(0.1)


def test_a_killed_workers_task_is_delivered_to_the_next_worker(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    with _worker(journal) as first:
        _ring(3)
        _until(lambda: "began" in journal.read_text(), journal)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert "ended" not in journal.read_text()
    with _worker(journal):
        _until(lambda: "ended" in journal.read_text(), journal)
    assert journal.read_text().split() == ["began", "began", "ended"]
