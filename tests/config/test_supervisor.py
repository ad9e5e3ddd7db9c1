import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config import supervisor
from config.supervisor import Process, Supervisor, SupervisorError

# A parent with a child in its group that ignores SIGTERM, as a careless server might.
STUBBORN = (
    "import signal, subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


def _python(name: str, code: str, **options: object) -> Process:
    return Process(name, [sys.executable, "-c", code], **options)  # type: ignore[arg-type]  # the test's own options


def _wait(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _number(log: Path) -> int:
    _wait(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text().split()[-1])


def test_stopping_ends_children_of_children_that_ignore_it(tmp_path: Path) -> None:
    with Supervisor([_python("stubborn", STUBBORN)], logs=tmp_path) as running:
        grandchild = _number(tmp_path / "stubborn.log")
        leader = running.pid("stubborn")
        assert leader is not None
        assert _alive(grandchild)
    assert not _alive(leader)
    _wait(lambda: not _alive(grandchild))
    assert not list(tmp_path.glob("*.pid"))


@pytest.mark.faults
def test_a_killed_process_is_started_again_without_what_it_left(tmp_path: Path) -> None:
    with Supervisor([_python("stubborn", STUBBORN)], logs=tmp_path) as running:
        grandchild = _number(tmp_path / "stubborn.log")
        first = running.pid("stubborn")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        _wait(lambda: running.pid("stubborn") not in {first, None})
        _wait(lambda: not _alive(grandchild))


@pytest.mark.faults
def test_deaths_in_a_row_are_answered_by_longer_pauses(tmp_path: Path) -> None:
    failing = _python("failing", "print('once', flush=True); raise SystemExit(3)")
    with Supervisor([failing], logs=tmp_path) as running:
        time.sleep(2.5)
        said = r"“failing” does not run \(once\); see .*failing\.log"
        with pytest.raises(SupervisorError, match=said):
            running.wait_ready(seconds=0.2)
    # At 0 s, then after pauses of 0.5 and 1 s: two or three starts, not twenty.
    assert 2 <= (tmp_path / "failing.log").read_text().count("once") <= 3


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = _python("first", "print('started', flush=True)")
        second = _python("second", "pass", port=port)
        with pytest.raises(SupervisorError, match=f"Port {port} on 127.0.0.1"):
            Supervisor([first, second], logs=tmp_path).start()
    assert not (tmp_path / "first.log").exists()


def test_ready_means_that_the_port_answers(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"import http.server as h; h.HTTPServer(('127.0.0.1', {port}), None).serve_forever()"
    with Supervisor([_python("web", code, port=port)], logs=tmp_path) as running:
        running.wait_ready(20)
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    # The tests may run as a shell's background job, whose children all ignore Ctrl-C.
    script = (
        "import pathlib, signal, sys; from config.supervisor import Process, Supervisor;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"logs = pathlib.Path({str(tmp_path)!r});"
        f"child = Process('child', [sys.executable, '-c', {STUBBORN!r}]);"
        "s = Supervisor([child], logs=logs); s.start(); s.run(); print('stopped')"
    )
    program = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    grandchild = _number(tmp_path / "child.log")
    program.send_signal(number)
    out, _ = program.communicate(timeout=20)
    assert out == b"stopped\n"
    _wait(lambda: not _alive(grandchild))


@pytest.mark.faults
def test_what_a_killed_supervisor_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time; from config.supervisor import Process, Supervisor;"
        f"child = Process('child', [sys.executable, '-c', {STUBBORN!r}]);"
        f"Supervisor([child], logs=pathlib.Path({str(tmp_path)!r})).start(); time.sleep(60)"
    )
    program = subprocess.Popen([sys.executable, "-c", script])
    left = _number(tmp_path / "child.log")
    program.kill()
    program.wait()
    assert _alive(left)
    with Supervisor([_python("child", "import time; time.sleep(60)")], logs=tmp_path):
        _wait(lambda: not _alive(left))


def test_a_mark_of_an_earlier_boot_ends_nobody(tmp_path: Path) -> None:
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )
    (tmp_path / "child.pid").write_text(f"{bystander.pid} 1")
    try:
        with Supervisor([_python("child", "import time; time.sleep(60)")], logs=tmp_path):
            assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_BYTES", 10)
    (tmp_path / "child.log").write_text("of an earlier run")
    with Supervisor([_python("child", "pass", restart=False)], logs=tmp_path):
        pass
    assert (tmp_path / "child.log.1").read_text() == "of an earlier run"
