"""The port for Greenhouse Harvest v3."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.connectors.ahead import read_ahead
from apps.connectors.errors import ConnectorError
from apps.connectors.greenhouse import catalogue, changes, export, fields, mapping, token
from apps.connectors.greenhouse.api import Api, Json
from apps.connectors.http import Client, Meter
from apps.connectors.port import (
    Action,
    Capabilities,
    Check,
    Page,
    Receipt,
    RemoteCandidate,
    Snapshot,
)
from apps.core import clock

BASE_URL = "https://harvest.greenhouse.io"
AUTH_URL = "https://auth.greenhouse.io/token"
#: Seconds for which an adapter trusts its own last check.
CHECK_LIFETIME = 60.0
#: Lists besides those of an export: the countries, and what tells one account from another.
_ALSO_READ = ("jobs", "offices", "rejection_reasons")
_EFFECT_SCOPES: dict[Action, str] = {
    "anonymize": "harvest:candidates:anonymize",
    "delete": "harvest:candidates:destroy",
}


@dataclass(frozen=True, slots=True)
class Account:
    """One connection's settings; addresses may be empty for the vendor's own."""

    client_id: str
    client_secret: str = field(repr=False)
    user_id: str
    action: Action = "anonymize"
    pool_tags: Sequence[str] = ()
    base_url: str = ""
    auth_url: str = ""


class Greenhouse:
    """One connection's adapter. Every method may raise ConnectorError."""

    capabilities: Capabilities = fields.CAPABILITIES

    def __init__(
        self, account: Account, meter: Meter, now: Callable[[], datetime] = clock.now
    ) -> None:
        """`now`: the clock that the instants of readings and windows are of."""
        self._now = now
        credential = token.Credential(
            account.auth_url or AUTH_URL,
            account.client_id,
            account.client_secret,
            account.user_id,
        )
        base_url = (account.base_url or BASE_URL).rstrip("/").removesuffix("/v3")
        self._api = Api(Client(meter), base_url, credential)
        self._action = account.action
        self._whole: Check | None = None
        self._whole_until = 0.0
        self._pool_tags = frozenset(tag.strip().casefold() for tag in account.pool_tags)

    def check(self) -> Check:
        """Ask for a token, then for one row of every list, then for the effect's scope.

        A credential found whole is not asked again for a minute: a batch of absent records
        asks for each of them, at some fifteen requests a time.
        """
        if time.monotonic() >= self._whole_until or self._whole is None:
            found = self._check()
            self._whole = found if found.ok else None
            self._whole_until = time.monotonic() + CHECK_LIFETIME
            return found
        return self._whole

    def _check(self) -> Check:
        try:
            token.forget(self._api.credential)  # scopes are written into the token
            token.bearer(self._api.credential)
        except ConnectorError as error:
            if error.code != "unauthorized":
                raise
            return Check(ok=False, code=error.code)
        missing = [
            f"harvest:{listing}:list"
            for listing in (*export.LISTS, *_ALSO_READ)
            if not self._may_read(listing)
        ]
        if not self._may_act():
            missing.append(_EFFECT_SCOPES[self._action])
        if missing:
            return Check(ok=False, missing_scopes=tuple(missing), code="scopes_missing")
        return Check(ok=True, account=self._account())

    def changes(self, since: str) -> Iterator[Page]:
        until = self._now()
        return read_ahead(lambda: changes.pages(self._api, since, self._assemble, until))

    def fetch(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteCandidate]:
        found = self._assemble(list(self._candidates(remote_ids).values()))
        return {candidate.remote_id: candidate for candidate in found}

    def export(self, remote_ids: Sequence[str]) -> Mapping[str, Snapshot]:
        ids = list(dict.fromkeys(remote_ids))
        known = [remote_id for remote_id in ids if _is_ours(remote_id)]
        began = self._now()
        found = self._candidates(known)
        result = export.snapshots(self._api, known, found, self._from_rows, began)
        unknown = (remote_id for remote_id in ids if remote_id not in result)
        return result | {i: Snapshot(i, found=False, read_at=began) for i in unknown}

    def search(self, email: str) -> tuple[str, ...]:
        rows = self._api.every("candidates", {"email": email})
        return tuple(mapping.identifier(row, "id") for row in rows)

    def anonymize(self, remote_id: str) -> Receipt:
        body = {"fields": list(fields.REQUESTED)}
        path = f"candidates/{_path_id(remote_id)}/anonymize"
        return self._act("PATCH", path, body, fields.REQUESTED)

    def delete(self, remote_id: str) -> Receipt:
        return self._act("DELETE", f"candidates/{_path_id(remote_id)}", None, ())

    def _act(self, method: str, path: str, body: object, requested: tuple[str, ...]) -> Receipt:
        sent_at = self._now()
        answer = self._api.effect(method, path, json=body)
        return Receipt(answer.request_id, answer.status, sent_at, requested)

    def _candidates(self, remote_ids: Sequence[str]) -> dict[str, Json]:
        """There is no `GET /v3/candidates/{id}`: a list of one, or of fifty."""
        ids = list(dict.fromkeys(remote_id for remote_id in remote_ids if _is_ours(remote_id)))
        rows = self._api.by_ids("candidates", "ids", ids)
        return {mapping.identifier(row, "id"): row for row in rows}

    def _assemble(self, rows: Sequence[Json]) -> tuple[RemoteCandidate, ...]:
        ids = [mapping.identifier(row, "id") for row in rows]
        applications = self._owned("applications", ids)
        hired = [i for i in ids if any(a.get("status") == "hired" for a in applications[i])]
        offers = self._owned("offers", hired)
        everything = [one for owned in applications.values() for one in owned]
        rejected = [
            mapping.identifier(one, "id") for one in everything if one.get("status") == "rejected"
        ]
        around = self._around(
            everything,
            [offer for owned in offers.values() for offer in owned],
            self._api.by_ids("rejection_details", "application_ids", rejected),
        )
        return tuple(
            mapping.candidate(row, applications[remote_id], around)
            for remote_id, row in zip(ids, rows, strict=True)
        )

    def _from_rows(self, row: Json, parts: Mapping[str, list[Json]]) -> RemoteCandidate:
        """From what an export read already."""
        applications = parts.get("application", [])
        details = parts.get("rejection_detail", [])
        around = self._around(applications, parts.get("offer", []), details)
        return mapping.candidate(row, applications, around)

    def _around(
        self, applications: Sequence[Json], offers: Sequence[Json], details: Sequence[Json]
    ) -> mapping.Around:
        by_application: dict[int, list[Json]] = defaultdict(list)
        for offer in offers:
            by_application[int(mapping.identifier(offer, "application_id"))].append(offer)
        jobs = {job for row in applications if isinstance(job := row.get("job_id"), int)}
        return mapping.Around(
            offers=by_application,
            countries=catalogue.countries(self._api, jobs),
            reasons=mapping.reasons(details, catalogue.reasons(self._api) if details else ()),
            pool_tags=self._pool_tags,
        )

    def _owned(self, listing: str, candidate_ids: Sequence[str]) -> Mapping[str, list[Json]]:
        owned: dict[str, list[Json]] = defaultdict(list)
        for row in self._api.by_ids(listing, "candidate_ids", candidate_ids):
            owned[mapping.identifier(row, "candidate_id")].append(row)
        return owned

    def _may_read(self, listing: str) -> bool:
        code = _refusal(lambda: self._api.page(listing, {"per_page": "1"}))
        # A list that is not found is a route this account does not have: as good as forbidden.
        return code not in ("forbidden", "not_found")

    def _may_act(self) -> bool:
        """Asks for something that cannot happen, twice over for anonymize: candidate 0 does
        not exist, and an empty list of fields is refused. 403 says the scope is missing."""
        if self._action == "delete":
            return _refusal(lambda: self._api.effect("DELETE", "candidates/0")) != "forbidden"
        path, body = "candidates/0/anonymize", {"fields": list[str]()}
        return _refusal(lambda: self._api.effect("PATCH", path, json=body)) != "forbidden"

    def _account(self) -> str:
        """A digest that tells accounts apart. v3 names no organisation; ids are unique over
        all customers and an account's oldest office stays, so its id stands for the account.
        One without offices is told by its acting user."""
        offices = [int(mapping.identifier(row, "id")) for row in self._api.every("offices")]
        credential = self._api.credential
        mark = f"office {min(offices)}" if offices else f"user {credential.user_id}"
        return hashlib.sha256(f"greenhouse|{self._api.base_url}|{mark}".encode()).hexdigest()


def _refusal(call: Callable[[], object]) -> str:
    """The code of the vendor's refusal; empty when it was allowed."""
    try:
        call()
    except ConnectorError as error:
        if error.code not in ("forbidden", "not_found", "rejected"):
            raise
        return error.code
    return ""


def _is_ours(remote_id: str) -> bool:
    """Greenhouse's ids are positive integers; anything else it never returned."""
    return remote_id.isascii() and remote_id.isdigit() and int(remote_id) > 0


def _path_id(remote_id: str) -> str:
    if not _is_ours(remote_id):
        raise ConnectorError("rejected")
    return remote_id
