"""Taking candidates in: a page is one transaction, whatever is on it.

Order. The keys database commits first (new data keys, blind indexes), because a key whose
subject never came is harmless and a subject without a key is not. Then one transaction in the
main database: subjects, records, applications, change marks, the cursor, the ledger entry.

Pages that bring newcomers take turns within a controller, from recognising until the commit:
two connections that bring one person at the same moment would make two subjects of them, each
erased on its own. A page that brings nobody new waits for nobody.

A candidate is recognised by (connection, remote id), else by e-mail inside the controller.
A remote id with a tombstone is a person Lethe erased: clean of personal data it is still
erased and nothing happens; with a newer application it is a new life with a new clock;
otherwise it came back, is recorded as resurrected and is due. A page may have been read before
the erasure, so none of this is believed of a page: the ATS is asked again first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.connectors import selectors as connectors
from apps.connectors.models import Connection
from apps.connectors.port import RemoteCandidate
from apps.controllers import selectors as controllers
from apps.core import canonical, crypto, scope
from apps.core.actors import Actor
from apps.core.errors import Conflict
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.subjects import applications, events, facts, sealing
from apps.subjects.models import Change, Record, Subject

#: Asks the ATS what it says of these remote ids now; those it does not return are absent.
Fetch = Callable[[Sequence[str]], Mapping[str, RemoteCandidate]]


@dataclass(frozen=True, slots=True)
class Taken:
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    #: Still erased: nothing personal came back.
    tombstoned: int = 0
    resurrected: int = 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One candidate of a page, with the digests we know it by."""

    candidate: RemoteCandidate
    digest: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A candidate whose facts are new to us, with the rows they go to."""

    seen: _Seen
    state: str
    record: Record
    is_new_record: bool
    is_new_subject: bool


@dataclass(slots=True)
class _Page:
    connection: Connection
    zone: str
    everyone: list[_Seen]
    #: Those without a record here, each with the state it starts in.
    newcomers: list[tuple[_Seen, str]] = field(default_factory=list)
    #: Digests of those with a tombstone who are shown with their data.
    returned: set[bytes] = field(default_factory=set)
    arrivals: list[_Arrival] = field(default_factory=list)
    unchanged: int = 0
    tombstoned: int = 0
    keys: dict[UUID, bytes] = field(default_factory=dict)

    @property
    def new(self) -> list[_Arrival]:
        return [arrival for arrival in self.arrivals if arrival.is_new_record]

    @property
    def changed(self) -> list[_Arrival]:
        return [arrival for arrival in self.arrivals if not arrival.is_new_record]

    @property
    def new_subjects(self) -> set[UUID]:
        return {one.record.subject_id for one in self.arrivals if one.is_new_subject}

    @property
    def known_subjects(self) -> set[UUID]:
        return {one.record.subject_id for one in self.arrivals} - self.new_subjects


def take(
    *,
    actor: Actor,
    connection_id: UUID,
    candidates: Sequence[RemoteCandidate],
    cursor: str | None = None,
    since: str | None = None,
    fetch: Fetch | None = None,
) -> Taken:
    """Take a page in; store `cursor` with it, unless it is no longer at `since`: somebody asked
    for a reading from the beginning meanwhile. Repeating a page changes nothing.

    `fetch` is asked, outside any transaction, about those who seem to be back after an erasure.
    Without it the candidates are believed: a file, or what was fetched this moment. Raises
    Conflict when somebody was erased meanwhile.
    """
    connection = Connection.objects.get(pk=connection_id)
    page = _sort(connection, _seen(connection, candidates))
    asked = page.returned
    if fetch is not None and asked:
        page = _sort(connection, _afresh(page, fetch))
    with transaction.atomic():
        if page.newcomers:
            _alone()
            page = _sort(connection, page.everyone)  # another page may have brought them
        if not page.returned <= asked:
            raise _moved()
        page.arrivals += _recognised(connection, page.newcomers)
        _make_keys(page, actor)
        _write(page)
        if cursor is not None:
            rows = Connection.objects.filter(pk=connection_id)
            (rows if since is None else rows.filter(cursor=since)).update(cursor=cursor)
        return _account(page, actor)


def _afresh(page: _Page, fetch: Fetch) -> list[_Seen]:
    """Everyone on the page, those who seem to be back as the ATS shows them now."""
    others = [seen for seen in page.everyone if seen.digest not in page.returned]
    back = [seen.candidate for seen in page.everyone if seen.digest in page.returned]
    now = fetch([candidate.remote_id for candidate in back])
    told = (now.get(candidate.remote_id) for candidate in back)
    return others + _seen(page.connection, [one for one in told if one is not None])


def _moved() -> Conflict:
    return Conflict("record_moved", _("A record changed meanwhile: take the page again."))


def _alone() -> None:
    """Until the transaction ends, only this page of the controller's brings newcomers."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"intake/{scope.current()}"]
        )


def facts_digest(candidate: RemoteCandidate) -> bytes:
    """Keyed digest of everything taken in about a candidate."""
    return keys.digest("facts", facts.fingerprint(candidate))


def _seen(connection: Connection, candidates: Iterable[RemoteCandidate]) -> list[_Seen]:
    latest = {candidate.remote_id: candidate for candidate in candidates}
    return [
        _Seen(
            candidate,
            connectors.remote_digest(connection.pk, candidate.remote_id),
            facts_digest(candidate),
        )
        for candidate in latest.values()
    ]


def _sort(connection: Connection, everyone: list[_Seen]) -> _Page:
    """Known records whose facts changed, and newcomers with their state; counts the others."""
    page = _Page(connection, controllers.current().time_zone, everyone)
    digests = [seen.digest for seen in everyone]
    rows = Record.objects.filter(connection=connection, remote_digest__in=digests)
    records = {bytes(row.remote_digest): row for row in rows.exclude(state=Record.State.ERASED)}
    tombstones = keys.tombstones(connection.pk, digests)
    for seen in everyone:
        record = records.get(seen.digest)
        state = _state(seen, tombstones, page.zone)
        if record is not None and _is_news(seen, record):
            record.connection = connection
            state = _next_state(record, state)
            page.arrivals.append(
                _Arrival(seen, state, record, is_new_record=False, is_new_subject=False)
            )
        elif record is not None:
            page.unchanged += 1
        elif state is not None:
            page.newcomers.append((seen, state))
            if seen.digest in tombstones:
                page.returned.add(seen.digest)
        else:
            page.tombstoned += 1
    return page


def _is_news(seen: _Seen, record: Record) -> bool:
    return record.state == Record.State.GONE or bytes(record.fingerprint) != seen.fingerprint


def _state(seen: _Seen, tombstones: dict[bytes, date], zone: str) -> str | None:
    """The state a newcomer starts in; None for a tombstoned one that is still clean."""
    erased_on = tombstones.get(seen.digest)
    if erased_on is None:
        return Record.State.PRESENT
    if facts.is_clean(seen.candidate):
        return None
    again = facts.starts_new_life(seen.candidate, erased_on=erased_on, zone=zone)
    return Record.State.PRESENT if again else Record.State.RESURRECTED


def _next_state(record: Record, state: str | None) -> str:
    """One that came back is judged anew at every change; the others are simply there."""
    if record.state != Record.State.RESURRECTED:
        return Record.State.PRESENT
    return state or Record.State.RESURRECTED  # clean again: still to be erased and proven


def _recognised(connection: Connection, new: list[tuple[_Seen, str]]) -> list[_Arrival]:
    """Attach newcomers to a living subject of the controller with the same e-mail."""
    found = keys.find("email", {mail for seen, _ in new for mail in _mails(seen)})
    ids = {subject_id for matches in found.values() for subject_id in matches}
    living = Subject.objects.filter(pk__in=ids, state=Subject.State.LIVING).in_bulk()
    by_email = {
        email: living[min(matches & living.keys())]
        for email, matches in found.items()
        if matches & living.keys()
    }
    arrivals = []
    for seen, state in new:
        mails = _mails(seen)
        subject = next((by_email[mail] for mail in mails if mail in by_email), None)
        person = subject or Subject(id=new_id(), controller_id=scope.current())
        by_email.update(dict.fromkeys(mails, person))
        record = Record(
            id=new_id(), controller_id=scope.current(), subject=person, connection=connection
        )
        arrivals.append(
            _Arrival(seen, state, record, is_new_record=True, is_new_subject=subject is None)
        )
    return arrivals


def _mails(seen: _Seen) -> list[str]:
    """The candidate's addresses in the one spelling that is compared."""
    return [crypto.normalise("email", email) for email in seen.candidate.emails]


def _make_keys(page: _Page, actor: Actor) -> None:
    page.keys = keys.new(sorted(page.new_subjects), actor=actor)
    page.keys |= keys.open_many(page.known_subjects)
    keys.index(
        (arrival.record.subject_id, kind, value)
        for arrival in page.arrivals
        for kind, values in (
            ("email", arrival.seen.candidate.emails),
            ("phone", arrival.seen.candidate.phones),
        )
        for value in values
    )


def _write(page: _Page) -> None:
    controller_id = scope.current()
    fresh = {pk: Subject(id=pk, controller_id=controller_id) for pk in page.new_subjects}
    _still_as_read([arrival.record for arrival in page.changed])
    known = _still_living(page.known_subjects)
    subjects = fresh | known
    for arrival in page.arrivals:
        subject_id = arrival.record.subject_id
        key = page.keys[subject_id]
        sealing.seal_identity(subjects[subject_id], key, arrival.seen.candidate)
        _fill_record(arrival, key, page.zone)
    Subject.objects.bulk_create(fresh.values())
    Subject.objects.bulk_update(known.values(), ["sealed_name", "sealed_emails", "sealed_phones"])
    Record.objects.bulk_create(arrival.record for arrival in page.new)
    Record.objects.bulk_update([arrival.record for arrival in page.changed], _RECORD_FACTS)
    pairs = [(arrival.record, arrival.seen.candidate) for arrival in page.arrivals]
    applications.write(pairs, zone=page.zone)
    _mark_changed([arrival.record.pk for arrival in page.arrivals])


def _still_as_read(records: Sequence[Record]) -> None:
    """Lock the known records (before their subjects, as everywhere) and compare: one of them
    may have been erased or changed since the page was sorted."""
    rows = Record.objects.select_for_update().filter(pk__in=[record.pk for record in records])
    present = {row.pk: (row.version, row.state) for row in rows.order_by("pk")}
    if any(present.get(one.pk) != (one.version, one.state) for one in records):
        raise _moved()


def _still_living(subject_ids: Collection[UUID]) -> dict[UUID, Subject]:
    """Lock the known subjects, as they are now: another page may have told more of them, and a
    person may be shredded while we were reading (nothing is attached to a dead subject)."""
    rows = Subject.objects.select_for_update().filter(
        pk__in=subject_ids, state=Subject.State.LIVING
    )
    living = {row.pk: row for row in rows.order_by("pk")}
    if len(living) != len(subject_ids):
        raise Conflict("subject_shredded", _("A person was erased meanwhile: take the page again."))
    return living


_RECORD_FACTS = [
    "state",
    "origin",
    "version",
    "collected_on",
    "collected_quality",
    "talent_pool",
    "fingerprint",
]


def _fill_record(arrival: _Arrival, key: bytes, zone: str) -> None:
    record, candidate = arrival.record, arrival.seen.candidate
    if arrival.is_new_record:
        sealing.seal_remote_id(record, key, candidate.remote_id)
    else:
        record.version += 1
    record.remote_digest, record.fingerprint = arrival.seen.digest, arrival.seen.fingerprint
    record.state, record.talent_pool = arrival.state, candidate.talent_pool
    if record.collected_on is None:  # the first date seen stays: erasing may reset it there
        collected = facts.local(candidate.collected, zone)
        record.collected_on, record.collected_quality = collected.on, collected.quality
    sourced = bool(candidate.applications) and all(a.prospect for a in candidate.applications)
    record.origin = Record.Origin.SOURCED if sourced else Record.Origin.APPLIED


def _mark_changed(record_ids: list[UUID]) -> None:
    Change.objects.bulk_create(
        (Change(record_id=pk, controller_id=scope.current()) for pk in record_ids),
        ignore_conflicts=True,
    )


def _account(page: _Page, actor: Actor) -> Taken:
    back = sum(arrival.state == Record.State.RESURRECTED for arrival in page.new)
    taken = Taken(len(page.new) - back, len(page.changed), page.unchanged, page.tombstoned, back)
    ids = sorted(str(arrival.record.pk) for arrival in page.arrivals)
    if ids:
        counts = {
            "created": taken.created,
            "changed": taken.changed,
            "resurrected": taken.resurrected,
        }
        audit.record(
            events.PAGE_TAKEN,
            actor=actor,
            refs={"connection": page.connection.pk},
            counts=counts,
            commitments={"records": hashlib.sha256(canonical.dumps(ids)).digest()},
        )
    return taken
