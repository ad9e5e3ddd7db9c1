from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections
from django.db.utils import OperationalError
from pytest_django import Settings

from apps.api import health
from tests.doors.api.machine import anonymous, problem


def test_a_living_process_says_so_without_a_database() -> None:
    response = anonymous().get("/healthz")
    assert (response.status_code, json.loads(response.content)) == (200, {"status": "ok"})


def test_it_is_ready_when_every_part_answers(db: None) -> None:
    response = anonymous().get("/readyz")
    assert (response.status_code, json.loads(response.content)) == (200, {"status": "ready"})


def _missing() -> list[str]:
    response = anonymous().get("/readyz")
    assert response.headers["Retry-After"]
    return [error["code"] for error in problem(response, 503)["errors"]]


def test_a_missing_root_key_is_named(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LETHE_ROOT_KEY = ""
    assert _missing() == ["root_key"]


def test_a_missing_directory_of_keys_is_named(
    db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LETHE_KEYS_DIR = tmp_path / "gone"
    assert _missing() == ["keys_directory"]


def test_a_database_that_does_not_answer_is_named(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connections["keys"], "cursor", gone)
    assert _missing() == ["keys_database", "migrations"]


def test_a_migration_that_has_not_run_is_named(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    known = health._known() | {("consents", "9999_from_the_next_version")}
    later: Callable[[], frozenset[tuple[str, str]]] = lambda: known  # noqa: E731 - one value
    monkeypatch.setattr(health, "_known", later)
    assert _missing() == ["migrations"]


def test_health_takes_no_other_method() -> None:
    assert anonymous().post("/healthz").status_code == 405
