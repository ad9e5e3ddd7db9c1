"""Real workers, under the supervisor, on whichever broker this session has."""

import os
import signal
import time
from pathlib import Path

import pytest

from apps.audit import selectors as audit
from apps.core import scope
from config.supervisor import Supervisor, worker
from tests import cast

pytestmark = [pytest.mark.faults, pytest.mark.services, pytest.mark.django_db(transaction=True)]

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "config.test"}


def _placed(company: cast.Company, minimum: int, log: Path) -> int:
    """The size of the company's log once nothing is pending."""
    deadline = time.monotonic() + 120
    while True:
        with scope.enter(company.id):
            pending, size = audit.pending(company.id), audit.size(company.id)
        if not pending and size >= minimum:
            return int(size)
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.2)


def test_a_worker_places_what_services_record_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    first = cast.company()
    with Supervisor([worker(environment=ENVIRONMENT)], logs=tmp_path) as running:
        log = tmp_path / "worker.log"
        size = _placed(first, 1, log)
        killed = running.pid("worker")
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        with scope.enter(first.id):
            cast.person(first.controller, "nils@nordlys.example", "recops")
        assert _placed(first, size + 1, log) > size
        assert running.pid("worker") not in {killed, None}
