"""The port: what Lethe asks of any ATS, as plain values. Adapters translate, nobody else.

Remote ids are opaque strings and may be personal (some ATS use the e-mail): callers seal
them. Nothing here is stored, logged or raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Quality = Literal["exact", "approximate", "missing"]
State = Literal["open", "rejected", "hired", "withdrawn", "converted", "unknown"]
Action = Literal["anonymize", "delete"]
Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Dated:
    """An instant of the ATS with how far it can be trusted; missing means `at` is None."""

    at: datetime | None = None
    quality: Quality = "missing"


@dataclass(frozen=True, slots=True)
class RemoteApplication:
    remote_id: str
    state: State
    #: The ATS's id of the job, not personal; None for a prospect or a spontaneous application.
    job: str | None = None
    #: A sourced person nobody hired for a job yet (Greenhouse: prospect).
    prospect: bool = False
    #: Where it stands in the ATS's own words, for the connection's mapping; "" is not said.
    status: str = ""
    stage: str = ""
    #: Why it ended.
    reason: str = ""
    #: ISO 3166-1 alpha-2 country of the establishment; None when the ATS does not say.
    country: str | None = None
    applied: Dated = Dated()
    closed: Dated = Dated()
    rejected_notified: Dated = Dated()
    hire_started: Dated = Dated()


@dataclass(frozen=True, slots=True)
class RemoteCandidate:
    remote_id: str
    updated_at: datetime
    first_name: str = ""
    last_name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    applications: tuple[RemoteApplication, ...] = ()
    #: When the ATS first collected the person's data.
    collected: Dated = Dated()
    #: Marked for the talent pool (vivier) by the connection's mapping.
    talent_pool: bool = False
    #: The vendor returns the person without personal data (already anonymized there).
    anonymized: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of changes. `cursor` is stored once the page is; the next call starts there."""

    candidates: tuple[RemoteCandidate, ...]
    cursor: str
    done: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the vendor returns about one candidate, flattened, before or after a step.

    `leaves` maps a path such as `candidate.email_addresses.0.value` to its scalar.
    `unreadable` names the parts a read failed on (a scope, an endpoint): they are never clean.
    """

    remote_id: str
    found: bool
    leaves: Mapping[str, Scalar] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    candidate: RemoteCandidate | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a call with an effect returned. It proves nothing about the effect."""

    request_id: str
    status: int
    sent_at: datetime
    #: Vendor field names (empty for a deletion).
    requested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasureField:
    """One erasable field of the vendor, and where a read would show it.

    `shown_at` are patterns (paths.matches) of Snapshot paths; empty: no read shows it, so only the
    vendor's own event can confirm it. `end_states` are the values a path may keep when clean,
    besides being absent, null or empty (`{remote_id}` stands for the candidate's id).
    """

    name: str
    shown_at: tuple[str, ...] = ()
    end_states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchiveField:
    """A field of the archive's profile (erasure.profile), and where a read shows it."""

    name: str
    #: Patterns (paths.matches) of Snapshot paths; empty: no read shows it.
    shown_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    actions: frozenset[Action]
    fields: tuple[ErasureField, ...] = ()
    #: Patterns (paths.matches) of Snapshot paths that are not personal: ids, dates, states.
    not_personal: tuple[str, ...] = ()
    #: What the intermediate archive can be filled with.
    archive: tuple[ArchiveField, ...] = ()
    #: The vendor sends an event that names the fields it anonymized.
    confirms_by_event: bool = False
    reads_changes: bool = True
    #: What was erased can be read back; else only a person's statement says so.
    reads_back: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the credential works and what it may do."""

    ok: bool
    #: Identifies the ATS account, not a person: two connections to one account are refused.
    account: str = ""
    missing_scopes: tuple[str, ...] = ()
    code: str = ""


class Connector(Protocol):
    """One connection's adapter. Every method may raise ConnectorError (http.py)."""

    capabilities: Capabilities

    def check(self) -> Check: ...

    def changes(self, since: str) -> Iterator[Page]:
        """Pages changed after the cursor `since` ("" for everything)."""
        ...

    def fetch(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteCandidate]:
        """Present facts; an id the vendor no longer returns is absent from the answer."""
        ...

    def export(self, remote_ids: Sequence[str]) -> Mapping[str, Snapshot]:
        """Everything returned about each id; an id not returned has `found=False`."""
        ...

    def search(self, email: str) -> tuple[str, ...]:
        """Remote ids of candidates with this e-mail: an absent id may have been merged."""
        ...

    def anonymize(self, remote_id: str) -> Receipt: ...

    def delete(self, remote_id: str) -> Receipt: ...
