"""Tests share a process: servers on reused ports must not inherit tokens or countries."""

import pytest

from apps.connectors.greenhouse import catalogue, token


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token, "_kept", {})
    monkeypatch.setattr(catalogue, "_kept", {})
