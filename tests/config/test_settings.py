"""Settings: a bad value stops the start and names the variable."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

SETTINGS = str(Path(__file__).parents[2] / "config" / "settings.py")


@pytest.mark.parametrize("value", ["0", "-1", "a month", "1.5"])
def test_an_epoch_lasts_a_whole_number_of_days(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_EPOCH_DAYS", value)
    with pytest.raises(ImproperlyConfigured, match="LETHE_EPOCH_DAYS"):
        runpy.run_path(SETTINGS)


def test_an_epoch_lasts_thirty_days_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LETHE_EPOCH_DAYS", raising=False)
    assert runpy.run_path(SETTINGS)["LETHE_EPOCH_DAYS"] == 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LETHE_NAME", "our lethe"),
        ("LETHE_NAME", "lethe+de"),
        ("LETHE_NAME", "https://lethe.example"),
        ("LETHE_DATABASE_ROLE", "superuser"),
        ("LETHE_LEASE_SECONDS", "0"),
        ("DATABASE_URL", "mysql"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        runpy.run_path(SETTINGS)


@pytest.mark.parametrize("value", ["", "not base64", "c2hvcnQ="])
def test_no_server_starts_without_its_root_key(value: str) -> None:
    """In a process of its own, as the server loads it."""
    environment = {**os.environ, "LETHE_ROOT_KEY": value, "LETHE_ROOT_KEY_FILE": ""}
    done = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        cwd=Path(SETTINGS).parents[1],
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "LETHE_ROOT_KEY" in done.stderr.strip().splitlines()[-1]
