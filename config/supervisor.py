"""Starts and watches the processes of one installation on one machine.

Every process leads a session of its own: a Ctrl-C in the terminal reaches the supervisor alone,
which then ends the whole group of each, children of children included. What dies is started
again, with a growing pause. What a killed supervisor left behind is ended at the next start.

    with Supervisor([web(port=8000), worker()], logs=data_dir / "logs") as running:
        running.wait_ready()
        running.run()           # until Ctrl-C or SIGTERM; leaves nothing behind
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, Final, Self

#: Seconds between SIGTERM and SIGKILL: a worker finishes its present task in this time.
GRACE: Final = 15.0
#: Seconds before the first restart; doubled at each further death, up to the last.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
#: A process that has lived this long has its pause set back.
SETTLED: Final = 60.0
#: A log longer than this is put aside (one generation) when its process starts.
LOG_BYTES: Final = 5_000_000
_ROUND: Final = 0.1
INHERITED: Final[Mapping[str, str]] = MappingProxyType({})
#: Where `config` and `manage.py` lie, whatever the directory this was started from.
ROOT: Final = Path(__file__).resolve().parent.parent


class SupervisorError(Exception):
    """The processes cannot be started; the text says why and what to do about it."""


@dataclass(frozen=True, slots=True)
class Process:
    """A command to keep alive. `port` is one it will listen on, on `host`."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int | None = None
    restart: bool = True


def web(
    *,
    port: int,
    host: str = "127.0.0.1",
    threads: int = 8,
    environment: Mapping[str, str] = INHERITED,
) -> Process:
    """The web server. `environment` comes on top of this process's own."""
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", str(threads)]
    place = ["--host", host, "--port", str(port), "--no-access-log"]
    command = [sys.executable, "-m", "granian", *options, *place, "config.wsgi:application"]
    return Process("web", command, environment, host=host, port=port)


def worker(
    *, name: str = "worker", concurrency: int = 2, environment: Mapping[str, str] = INHERITED
) -> Process:
    """A worker that also runs the beat table: one per installation; more workers without -B."""
    celery = [sys.executable, "-m", "celery", "-A", "config", "worker"]
    # Workers need not know of each other, and threads share one connection to a pgmq broker.
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    options = ["--beat", "--pool", "threads", "--concurrency", str(concurrency), *quiet]
    return Process(name, [*celery, *options, "-n", f"{name}@%h"], environment)


def require_free(host: str, port: int) -> None:
    """Raises SupervisorError when another program listens on the port (or may not be bound)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SupervisorError(
                f"Port {port} on {host} cannot be used ({error.strerror}). Another program may "
                "listen there: stop it, or choose another port."
            ) from None


class _Child:
    """One process and its history: the running group, the number of deaths, the next start."""

    def __init__(self, process: Process, logs: Path) -> None:
        self.process = process
        self.log = logs / f"{process.name}.log"
        self.mark = logs / f"{process.name}.pid"
        self.running: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.pause = FIRST_PAUSE
        self.not_before = 0.0
        self.deaths = 0

    def launch(self) -> None:
        self._turn_log()
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [str(part) for part in self.process.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **self.process.environment},
                start_new_session=True,
            )
        self.started = time.monotonic()
        self.mark.write_text(f"{self.running.pid} {_birth(self.running.pid)}")

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def watch(self) -> None:
        """Note a death and clear what it left; start again when its pause is over."""
        now = time.monotonic()
        if self.running is not None and self.running.poll() is not None:
            _signal_group(self.running.pid, signal.SIGKILL)
            self.running = None
            self.deaths += 1
            if now - self.started > SETTLED:
                self.pause = FIRST_PAUSE
            self.not_before = now + self.pause
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        if self.running is None and self.process.restart and now >= self.not_before:
            self.launch()

    def ask_to_end(self) -> None:
        if self.running is not None:
            _signal_group(self.running.pid, signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """Wait until the deadline (monotonic seconds), then end the group by force."""
        if self.running is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.running.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None
        self.mark.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """End the group that a killed supervisor left, if its leader is still the same."""
        with contextlib.suppress(OSError, ValueError):
            pid, birth = self.mark.read_text().split()
            if birth == _birth(int(pid)):
                _signal_group(int(pid), signal.SIGKILL)
        self.mark.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of its log, for a message that has to say why."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return f" ({lines[-1].strip()})" if lines else ""
        return ""

    def listens(self) -> bool:
        if self.process.port is None:
            return self.running is not None
        with socket.socket(socket.AF_INET6 if ":" in self.process.host else socket.AF_INET) as s:
            s.settimeout(1)
            return s.connect_ex((self.process.host, self.process.port)) == 0


def _birth(pid: int) -> str:
    """When the process started, in clock ticks since boot; "-" where /proc does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "-"
    # The name, in parentheses, may itself hold spaces and parentheses.
    return stat.rpartition(")")[2].split()[19]


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


class Supervisor:
    """Keeps processes alive from `start` to `stop`; a context manager does both."""

    def __init__(self, processes: Sequence[Process], *, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._children = [_Child(process, logs) for process in processes]
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def start(self) -> None:
        """Raises SupervisorError, with nothing started, when a port is busy."""
        for child in self._children:
            child.end_leftover()
        for child in self._children:
            if child.process.port is not None:
                require_free(child.process.host, child.process.port)
        self._take_signals()
        for child in self._children:
            child.launch()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def wait_ready(self, seconds: float = 60) -> None:
        """Return when every port answers. Raises SupervisorError, naming the log, if not."""
        deadline = time.monotonic() + seconds
        for child in self._children:
            while not child.listens():
                if time.monotonic() > deadline or child.deaths > 2:
                    raise SupervisorError(
                        f"The process “{child.process.name}” does not run"
                        f"{child.last_words()}; see {child.log}"
                    )
                time.sleep(_ROUND)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Wait for `until`, Ctrl-C or SIGTERM, then stop everything."""
        try:
            while not until() and not self._ending.wait(_ROUND):
                pass
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            self.stop()

    def stop(self) -> None:
        """End every process, first asking, then by force. May be called twice."""
        self._ending.set()
        # A second Ctrl-C must not leave half of them running.
        self._set_signals(dict.fromkeys(self._handlers, signal.SIG_IGN))
        with self._lock:
            for child in self._children:
                child.ask_to_end()
            deadline = time.monotonic() + GRACE
            for child in reversed(self._children):
                child.end(deadline)
        self._set_signals(self._handlers)
        self._handlers = {}

    def pid(self, name: str) -> int | None:
        """The present process of that name, for tests that kill it."""
        found = next(child for child in self._children if child.process.name == name)
        return found.running.pid if found.running is not None else None

    def _watch(self) -> None:
        while not self._ending.wait(_ROUND):
            with self._lock:
                if self._ending.is_set():
                    return
                for child in self._children:
                    child.watch()

    def _take_signals(self) -> None:
        """SIGTERM and a closed terminal end the program as Ctrl-C does: through `stop`."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                self._handlers[number] = signal.getsignal(number)
            self._set_signals({signal.SIGTERM: _leave, signal.SIGHUP: _leave})

    def _set_signals(self, handlers: Mapping[signal.Signals, Any]) -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
