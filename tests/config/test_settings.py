"""Settings: a bad value stops the start and names the variable."""

import runpy
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
