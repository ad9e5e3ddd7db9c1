"""Harvest v3 from the door to the answer: token, limit, route, scope, fault, call, journal."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from .answers import Answer, Refusal, Request
from .catalogue import LISTINGS, Listing
from .config import Config
from .faults import Fault, Faults
from .journal import Journal
from .limits import Limiter, too_many
from .listing import Pager, ids_of, listing_at, named_candidates
from .state import State, dumps
from .tokens import Credential, Tokens
from .writes import Writes

_HOLD_SECONDS = 30
_RECORD = re.compile(r"/v3/(?P<path>\w+)/(?P<id>\d+)(?:/(?P<verb>\w+))?")

Call = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """What a request would do, which scope that needs, and whom it names."""

    scope: str
    call: Call
    candidate_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vendor:
    state: State
    config: Config
    limiter: Limiter
    faults: Faults
    tokens: Tokens
    journal: Journal
    writes: Writes
    pager: Pager
    base_url: Callable[[], str]

    def answer(self, request: Request) -> Answer:
        """Every refusal becomes an answer; every call becomes a line in the journal."""
        headers: dict[str, str] = {}
        named: tuple[int, ...] = ()
        fault: str | None = None
        try:
            credential = self.tokens.check(request)
            headers = self.limiter.admit(credential.client_id)
            route = self._route(request)
            named = route.candidate_ids
            fault, answer = self._called(request, route, credential)
        except Refusal as refusal:
            answer = refusal.answer()
        answer.headers = headers | answer.headers
        self.journal.called(request, answer, candidate_ids=named, fault=fault)
        return answer

    def _called(
        self, request: Request, route: Route, credential: Credential
    ) -> tuple[str | None, Answer]:
        """The name of the fault that struck, if one did, and the answer."""
        self._check_scope(request, route, credential)
        if fault := self._before(request, route):
            return fault.name, self._refused(fault)
        self._merge_first(request, route)
        try:
            answer = route.call(request)
        except Refusal as refusal:
            answer = refusal.answer()
        fault = self._after(request, route)
        if fault is not None:
            _lose(answer, fault)
        return (fault.name if fault else None), answer

    def _strike(self, name: str, request: Request, route: Route) -> Fault | None:
        return self.faults.strike(
            name,
            route.candidate_ids,
            method=request.method,
            path=request.path,
            scope=route.scope,
        )

    def _check_scope(self, request: Request, route: Route, credential: Credential) -> None:
        if route.scope not in credential.scopes:
            raise Refusal(403, f"This credential lacks the scope {route.scope}.")
        fault = self._strike("scope_lost", request, route)
        if fault:
            raise Refusal(int(fault.get("status", 403)), f"Lacks the scope {route.scope}.")

    def _before(self, request: Request, route: Route) -> Fault | None:
        for name in ("rate_limited", "server_error", "timeout_before_effect"):
            if fault := self._strike(name, request, route):
                return fault
        return None

    def _refused(self, fault: Fault) -> Answer:
        if fault.name == "rate_limited":
            seconds = float(fault.get("seconds", 1))
            return too_many({"X-RateLimit-Remaining": "0"}, seconds=seconds).answer()
        if fault.name == "server_error":
            return Refusal(int(fault.get("status", 500)), "Something went wrong.").answer()
        return Answer(lost=True, hold=float(fault.get("seconds", _HOLD_SECONDS)))

    def _merge_first(self, request: Request, route: Route) -> None:
        fault = self._strike("merged", request, route)
        for id_ in (fault and fault.candidate_ids) or ():
            if fault and self.state.get("candidate", id_) is not None:
                self.writes.merge_into(int(fault.get("into", 0)), id_, request_id=request.id)

    def _after(self, request: Request, route: Route) -> Fault | None:
        for name in ("timeout_after_effect", "cut_connection"):
            if fault := self._strike(name, request, route):
                return fault
        return None

    def _route(self, request: Request) -> Route:
        """Raises Refusal(404) for a route the document does not name."""
        path = request.path.removeprefix("/v3/")
        if request.method == "GET" and path.isidentifier():
            return self._listing_route(request, listing_at(LISTINGS, path))
        match = _RECORD.fullmatch(request.path)
        verb = match and (request.method, match["path"], match["verb"])
        writes: dict[object, tuple[str, Callable[[Request, int], Answer]]] = {
            ("PATCH", "candidates", "anonymize"): ("anonymize", self.writes.anonymize),
            ("POST", "candidates", "merge"): ("merge", self.writes.merge),
            ("PATCH", "candidates", None): ("update", self.writes.update_candidate),
            ("DELETE", "candidates", None): ("destroy", self.writes.delete_candidate),
            ("DELETE", "applications", None): ("destroy", self.writes.delete_application),
            ("DELETE", "attachments", None): ("destroy", self.writes.delete_attachment),
        }
        if match is None or verb not in writes:
            raise Refusal(404, "No such route.", message="Not Found")
        action, call = writes[verb]
        id_ = int(match["id"])
        return Route(
            f"harvest:{match['path']}:{action}",
            lambda asked: call(asked, id_),
            self._owners(match["path"], id_),
        )

    def _owners(self, path: str, id_: int) -> tuple[int, ...]:
        if path == "candidates":
            return (id_,)
        doc = self.state.get(path.removesuffix("s"), id_)
        return () if doc is None else (doc["candidate_id"],)

    def _listing_route(self, request: Request, listing: Listing) -> Route:
        named = named_candidates(request.query, listing)
        if "application_ids" in request.query and not named:
            named = self._owners_of(ids_of(request.query["application_ids"], "application_ids"))
        return Route(listing.scope, lambda asked: self._list(asked, listing), named)

    def _owners_of(self, application_ids: tuple[int, ...]) -> tuple[int, ...]:
        docs = [self.state.get("application", id_) for id_ in application_ids]
        return tuple(sorted({doc["candidate_id"] for doc in docs if doc}))

    def _list(self, request: Request, listing: Listing) -> Answer:
        answer, docs = self.pager.page(
            listing, request.query, url=self.base_url(), hidden=self._hidden(request, listing)
        )
        if listing.kind == "attachment":
            docs = [self._with_url(doc) for doc in docs]
        answer.body = f"[{','.join(docs)}]".encode()
        return answer

    def _hidden(self, request: Request, listing: Listing) -> frozenset[int]:
        if listing.kind != "candidate" or "ids" not in request.query:
            return frozenset()
        asked = named_candidates(request.query, listing)
        fault = self.faults.strike("gone_from_ids", asked, method="GET", path=request.path)
        if fault is None:
            return frozenset()
        return frozenset(asked if fault.candidate_ids is None else fault.candidate_ids)

    def _with_url(self, doc: str) -> str:
        row = json.loads(doc)
        if {"id", "url"} <= row.keys():
            expires = int(time.time()) + self.config.file_seconds
            signed = self._file_signature(row["id"], expires)
            address = f"{self.base_url()}/files/{row['id']}"
            row["url"] = f"{address}?expires={expires}&signature={signed}"
        return dumps(row)

    def _file_signature(self, id_: int, expires: int) -> str:
        digest = hmac.new(self.pager.key, f"{id_}.{expires}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def file(self, request: Request) -> Answer:
        """`GET /files/<id>`: no token, the signature in the address is the permission."""
        id_, expires = request.path.removeprefix("/files/"), request.query.get("expires", "")
        if not (id_.isdecimal() and expires.isdecimal()):
            raise Refusal(403, "Request has expired.")
        signed = self._file_signature(int(id_), int(expires))
        right = hmac.compare_digest(signed, request.query.get("signature", ""))
        if not right or int(expires) < time.time():
            raise Refusal(403, "Request has expired.")
        doc = self.state.get("file", int(id_))
        if doc is None:
            raise Refusal(404, "No such file.", message="Not Found")
        return Answer(body=doc["content"].encode(), media="application/octet-stream")


def _lose(answer: Answer, fault: Fault) -> None:
    """What was done stays done; only the answer suffers."""
    if fault.name == "cut_connection":
        answer.cut = True
    else:
        answer.lost, answer.hold = True, float(fault.get("seconds", _HOLD_SECONDS))
