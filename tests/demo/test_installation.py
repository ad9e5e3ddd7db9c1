"""The folder of the demo and what it starts."""

import dataclasses
from pathlib import Path

import httpx
import pytest

from config.supervisor import Supervisor
from demo import installation as demo
from demo.installation import DemoError, Installation


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    return demo.open_installation(tmp_path / "demo", 8000)


def _account(home: Installation, **changes: object) -> demo.Account:
    """The first fake account alone, changed, and kept."""
    account = dataclasses.replace(home.accounts[0], candidates=3, **changes)  # type: ignore[arg-type]  # named by the caller
    demo.remember(home, accounts=[dataclasses.asdict(account)])
    return account


def test_a_fake_account_runs_whatever_its_secrets_begin_with(home: Installation) -> None:
    account = _account(
        home, client_secret="-c secret", webhook_secret="--webhook", control_token="-t"
    )
    fake = next(process for process in demo.processes(home) if process.name == "ats-nordlys")
    with Supervisor([fake], logs=home.logs) as running:
        running.wait_ready(30)
        answer = httpx.post(
            f"{account.url}/token",
            auth=(account.client_id, account.client_secret),
            data={"grant_type": "client_credentials", "sub": "1"},
        )
    assert answer.status_code == 200, answer.text


def test_a_second_run_finds_the_same_installation(home: Installation) -> None:
    again = demo.open_installation(home.root, 8000)
    assert again.facts == home.facts


def test_a_folder_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    with pytest.raises(DemoError, match="is not empty"):
        demo.open_installation(tmp_path, 8000)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


def test_secrets_are_for_their_owner_alone(home: Installation) -> None:
    assert (home.root / "demo.json").stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700
