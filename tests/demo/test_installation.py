"""The folder of the demo and what it starts."""

import dataclasses
import socket
import threading
from pathlib import Path

import httpx
import pytest

from config.supervisor import Supervisor, SupervisorError
from demo import __main__ as program
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


def test_ports_of_a_killed_run_are_waited_for(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = _account(home)
    monkeypatch.setattr(demo, "processes", lambda _: [demo._fake(home, account)])
    busy = _listening(account.port)
    threading.Timer(1, busy.close).start()
    running = program._start(home)
    try:
        running.wait_ready(30)
    finally:
        running.stop()
    monkeypatch.setattr(program, "LEFTOVER_SECONDS", 0)
    with _listening(account.port), pytest.raises(SupervisorError):
        program._start(home)


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


@pytest.mark.parametrize("name", demo.SERVERS)
def test_servers_named_in_the_environment_are_refused_not_ignored(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in demo.SERVERS:
        monkeypatch.delenv(one, raising=False)
    demo.require_own_servers({"HOME": "/", name: ""})
    monkeypatch.setenv(name, "postgresql://theirs/db")
    assert program.main(["--data", str(tmp_path / "demo")]) == 2
    assert f"unset {name}" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "demo").exists()


def test_a_busy_port_gets_advice_that_helps(home: Installation) -> None:
    account = home.accounts[0]
    # Below the ports a system hands out, like those of the accounts: nobody dials from it.
    home.port = next(demo._free_ports())
    assert demo.advice_on_ports(home) == ""
    with _listening(account.port):
        advice = demo.advice_on_ports(home)
    assert f"Port {account.port}, the address of the fake Greenhouse account of Nordlys" in advice
    assert "--data FOLDER" in advice
    with _listening(home.port):
        assert 'make demo ARGS="--port ' in demo.advice_on_ports(home)


def _listening(port: int) -> socket.socket:
    busy = socket.socket()
    busy.bind(("127.0.0.1", port))
    busy.listen()
    return busy


def test_fake_accounts_listen_below_the_ports_that_systems_hand_out(home: Installation) -> None:
    ports = {account.port for account in home.accounts}
    assert len(ports) == len(home.accounts)
    assert ports <= set(demo.PORTS)


def test_a_run_killed_while_it_wrote_a_secret_can_be_started_again(home: Installation) -> None:
    (home.root / "demo.json.new").write_text('{"half')
    demo.remember(home, seeded_on="2026-11-23")
    assert demo.open_installation(home.root, 8000).seeded_on == "2026-11-23"
    assert not (home.root / "demo.json.new").exists()
