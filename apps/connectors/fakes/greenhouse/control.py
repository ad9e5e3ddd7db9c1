"""The control plane under `/_control/`: what tests and the demo may do that no caller may.

Bearer token of its own. Bodies and answers are JSON; every change sends the events the
vendor would send, unless the body says `"silent": true`.

    GET    journal?after=n      every call             GET  effects?after=n   every effect
    GET    stats                requests per window    GET  dump              the whole state
    GET    webhooks             events, no bodies      GET  faults            those now on
    POST   faults               {name, candidate_ids|null, times|null, …}     DELETE faults
    POST   candidates           {id, …} alters; {index} invents; {candidate: {…}} adds
    POST   applications         {id, …} alters; {candidate_id, …} adds
    POST   merge                {primary_id, secondary_id}
    POST   tokens/expire        every bearer token is stale from now on
    POST   compact              rewrites the state file, so that it can be searched for traces
    POST   settings             {webhook_url, webhook_secret, scopes, anonymize_delay}
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from . import changes
from .answers import Answer, Refusal, Request, Unprocessable, found
from .config import Config
from .faults import Faults
from .hooks import Queue
from .journal import Journal
from .limits import Limiter
from .state import Json, State, dumps
from .tokens import Tokens
from .writes import Writes, body_of

_SETTINGS = frozenset({"webhook_url", "webhook_secret", "scopes", "anonymize_delay"})


@dataclass(frozen=True, slots=True)
class Control:
    state: State
    config: Config
    token: str
    faults: Faults
    journal: Journal
    limiter: Limiter
    queue: Queue
    tokens: Tokens
    writes: Writes

    def answer(self, request: Request) -> Answer:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise Refusal(401, "Wrong control token.")
        if (request.method, request.path) == ("GET", "/_control/dump"):
            return Answer(body=dump(self.state))
        call = self._calls().get((request.method, request.path.removeprefix("/_control/")))
        if call is None:
            raise Refusal(404, "No such control.", message="Not Found")
        return found(call(request))

    def _calls(self) -> dict[tuple[str, str], Callable[[Request], object]]:
        return {
            ("GET", "journal"): lambda request: self.journal.calls(after=_after(request)),
            ("GET", "effects"): lambda request: self.journal.effects(after=_after(request)),
            ("GET", "stats"): lambda _: self.limiter.stats() | self._counts(),
            ("GET", "webhooks"): lambda _: self.queue.listed(),
            ("GET", "faults"): lambda _: self.faults.on(),
            ("POST", "faults"): lambda request: self.faults.add(body_of(request)),
            ("DELETE", "faults"): lambda _: self.faults.clear(),
            ("POST", "candidates"): self._candidates,
            ("POST", "applications"): self._applications,
            ("POST", "merge"): self._merge,
            ("POST", "tokens/expire"): lambda _: {"expired": self.tokens.expire_all()},
            ("POST", "compact"): self._compact,
            ("POST", "settings"): self._settings,
        }

    def _counts(self) -> Json:
        rows = self.state.all("SELECT kind, count(*) AS n FROM entity GROUP BY kind")
        return {"rows": {row["kind"]: row["n"] for row in rows}}

    def _candidates(self, request: Request) -> Json:
        body = body_of(request)
        if "id" in body:
            return self.writes.change_candidate(int(body.pop("id")), body)
        if "index" in body:
            return changes.invent(self.state, self.queue, self.config, body)
        return changes.add_candidate(self.state, self.queue, body)

    def _applications(self, request: Request) -> Json:
        body = body_of(request)
        if "id" in body:
            return changes.alter_application(self.state, self.queue, body)
        return changes.add_application(self.state, self.queue, body)

    def _merge(self, request: Request) -> Json:
        body = body_of(request)
        try:
            primary, secondary = int(body["primary_id"]), int(body["secondary_id"])
        except (KeyError, ValueError):
            raise Unprocessable("Needs primary_id and secondary_id.") from None
        return self.writes.merge_into(primary, secondary, request_id=request.id)

    def _compact(self, _: Request) -> Json:
        self.state.compact()
        return {}

    def _settings(self, request: Request) -> Json:
        body = body_of(request)
        unknown = sorted(body.keys() - _SETTINGS)
        if unknown:
            raise Unprocessable(*({name: "is no setting"} for name in unknown))
        for name, value in body.items():
            self.state.set_setting(name, value)
        self.queue.wake.set()
        return body


def _after(request: Request) -> int:
    return int(request.query.get("after", "0"))


def dump(state: State) -> bytes:
    """Everything the account knows about people: rows, and events not yet delivered.

    `{"entities": {kind: [row…]}, "undelivered": [event…], "merged": [{id, into_id}…]}`; the rows
    are joined as they are stored, since a dump of 20,000 people has a hundred megabytes.
    """
    content: dict[str, list[str]] = {}
    for row in state.all("SELECT kind, doc FROM entity ORDER BY kind, id"):
        content.setdefault(row["kind"], []).append(row["doc"])
    entities = ",".join(f'"{kind}":[{",".join(docs)}]' for kind, docs in content.items())
    waiting = state.all("SELECT body FROM delivery WHERE body IS NOT NULL ORDER BY n")
    events = ",".join(row["body"] for row in waiting)
    merged = dumps([dict(row) for row in state.all("SELECT id, into_id FROM merged ORDER BY id")])
    return f'{{"entities":{{{entities}}},"undelivered":[{events}],"merged":{merged}}}'.encode()
