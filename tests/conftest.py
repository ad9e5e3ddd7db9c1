"""Fixtures for every test: the databases (tests/database.py) as the runtime role."""

import contextlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import settings as hypothesis
from pytest_django import DjangoDbBlocker

from config import messages
from tests import database

# People explore new examples at every run; a landing is judged on the same ones each time.
# No deadline: a busy machine is no bug.
hypothesis.register_profile("house", deadline=None)
hypothesis.register_profile("landing", deadline=None, derandomize=True)
hypothesis.load_profile("landing" if os.environ.get("CI") else "house")

_session = contextlib.ExitStack()

# `make test` installs no browser library; `make test-e2e` does.
collect_ignore = [] if importlib.util.find_spec("playwright") else ["e2e"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="the fault suite in its short form: 5 kills, 20 races"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """With xdist the controller starts the one server, before its workers exist."""
    messages.compile_catalogues()
    _make_keys_directory()
    if getattr(session.config.option, "numprocesses", None):
        _session.enter_context(database.server())


def _make_keys_directory() -> None:
    """For epoch and signing keys; exported, so that processes a test starts share it."""
    keys = tempfile.mkdtemp(prefix="lethe-test-keys-")
    _session.callback(shutil.rmtree, keys, ignore_errors=True)
    os.environ["LETHE_KEYS_DIR"] = keys
    settings.LETHE_KEYS_DIR = Path(keys)


def pytest_unconfigure() -> None:
    _session.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with a database gets both aliases: no room can tell where the keys lie."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        marker = item.get_closest_marker("django_db")
        if marker is None and not fixtures & {"db", "transactional_db", "live_server"}:
            continue
        options = dict(marker.kwargs) if marker else {}
        item.add_marker(pytest.mark.django_db(**{"databases": "__all__", **options}), append=False)


@pytest.fixture(scope="session")
def _renew_databases(django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[], None]]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with database.server() as server, django_db_blocker.unblock():
        yield database.prepare(server, worker)
        connections.close_all()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, _renew_databases: Callable[[], None]
) -> Iterator[None]:
    """In place of pytest-django's: it would create databases as the runtime role."""

    def teardown(_case: TransactionTestCase) -> None:
        _renew_databases()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield
