"""One account: its state and everything that answers from it, wired together."""

import secrets
import threading

from .answers import Answer, Refusal, Request
from .config import Config
from .control import Control
from .faults import Faults
from .hooks import Queue, Sender
from .journal import Journal
from .limits import Limiter
from .listing import Pager
from .loading import load
from .state import State
from .tokens import Tokens
from .vendor import Vendor
from .writes import Writes


def _kept(state: State, name: str, wanted: str = "") -> str:
    """A secret of this account: the wanted one, else the one of the last run, else a new one."""
    value = wanted or state.setting(name, "") or secrets.token_urlsafe(24)
    state.set_setting(name, value)
    return str(value)


class Account:
    """Answers requests; `complete` and `deliver` do what is due."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.url = ""
        self.state = State(config.state)
        if self.state.empty:
            load(self.state, config)
        self.wake = threading.Event()
        self.control_token = _kept(self.state, "control_token", config.control_token)
        faults = Faults(self.state)
        journal = Journal(self.state)
        queue = Queue(self.state, faults, self.wake)
        limiter = Limiter(limit=config.limit, window=config.window)
        self._tokens = Tokens(self.state, config)
        self._writes = Writes(self.state, config, faults, queue, journal)
        self._sender = Sender(queue, config)
        self._vendor = Vendor(
            state=self.state,
            config=config,
            limiter=limiter,
            faults=faults,
            tokens=self._tokens,
            journal=journal,
            writes=self._writes,
            pager=Pager(self.state, _kept(self.state, "signing_key").encode()),
            base_url=lambda: self.url,
        )
        self._control = Control(
            state=self.state,
            config=config,
            token=self.control_token,
            faults=faults,
            journal=journal,
            limiter=limiter,
            queue=queue,
            tokens=self._tokens,
            writes=self._writes,
        )

    def answer(self, request: Request) -> Answer:
        try:
            if request.path.startswith("/_control/"):
                return self._control.answer(request)
            if request.path.startswith("/files/"):
                return self._vendor.file(request)
            if (request.method, request.path) == ("POST", "/token"):
                return self._tokens.issue(request)
        except Refusal as refusal:
            return refusal.answer()
        return self._vendor.answer(request)

    def complete(self) -> int:
        """Carry out the anonymizations that were to complete later; how many were due."""
        return self._writes.carry_out_due()

    def deliver(self) -> int:
        """Send one batch of events; how many were tried."""
        return self._sender.run()

    def close(self) -> None:
        self._sender.close()
        self.state.close()
