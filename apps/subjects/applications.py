"""Applications of a page: new ones inserted, known ones brought up to date, missing removed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from apps.connectors.port import RemoteApplication, RemoteCandidate
from apps.core import scope
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.subjects import facts
from apps.subjects.models import Application, Record, Standing

_FACTS = [
    "state",
    "prospect",
    "standing",
    "job",
    "country",
    *(
        f"{name}_{part}"
        for name in ("applied", "closed", "rejected_notified", "hire_started")
        for part in ("on", "quality")
    ),
]


def write(pairs: Sequence[tuple[Record, RemoteCandidate]], *, zone: str) -> None:
    """Inside the caller's transaction: make the applications of these records what the ATS says."""
    known = {
        (row.record_id, bytes(row.remote_digest)): row
        for row in Application.objects.filter(record__in=[record for record, _ in pairs])
    }
    standings = _standings(pairs)
    fresh: list[Application] = []
    changed: list[Application] = []
    for record, candidate in pairs:
        for remote in candidate.applications:
            digest = keys.digest("application", f"{record.connection_id}/{remote.remote_id}")
            row = known.pop((record.pk, digest), None)
            filled = _filled(row or _blank(record, digest), remote, record, zone)
            filled.standing_id = standings.get(_place(record, remote))
            (fresh if row is None else changed).append(filled)
    Application.objects.bulk_create(fresh)
    Application.objects.bulk_update(changed, _FACTS, batch_size=500)
    Application.objects.filter(pk__in=[row.pk for row in known.values()]).delete()


#: Connection, status, stage, reason, state, whether a prospect.
_Place = tuple[UUID, str, str, str, str, bool]
_COLUMNS = ("connection_id", "status", "stage", "reason", "state", "prospect")


def _place(record: Record, remote: RemoteApplication) -> _Place:
    return (record.connection_id, *facts.words(remote), remote.state, remote.prospect)


def _standings(pairs: Sequence[tuple[Record, RemoteCandidate]]) -> dict[_Place, int]:
    """The standing of each application that the ATS says a word about, made where it is new."""
    said = {_place(record, one) for record, candidate in pairs for one in candidate.applications}
    wanted = {place for place in said if any(place[1:4])}
    missing = sorted(wanted - _known(wanted).keys())
    # Another page may make the same one at this moment: whoever comes first.
    Standing.objects.bulk_create(
        (
            Standing(controller_id=scope.current(), **dict(zip(_COLUMNS, one, strict=True)))
            for one in missing
        ),
        ignore_conflicts=True,
    )
    return _known(wanted)


def _known(wanted: Collection[_Place]) -> dict[_Place, int]:
    rows = Standing.objects.filter(
        connection_id__in={place[0] for place in wanted},
        status__in={place[1] for place in wanted},
    )
    return {row[1:]: row[0] for row in rows.values_list("pk", *_COLUMNS)}


def _blank(record: Record, digest: bytes) -> Application:
    return Application(
        id=new_id(), controller_id=scope.current(), record=record, remote_digest=digest
    )


def _filled(row: Application, remote: RemoteApplication, record: Record, zone: str) -> Application:
    row.state, row.prospect, row.job = remote.state, remote.prospect, remote.job or ""
    row.country = remote.country or record.connection.country
    applied = facts.local(remote.applied, zone)
    if row.applied_on is None:  # the first date seen stays: anonymizing can reset it there
        row.applied_on, row.applied_quality = applied.on, applied.quality
    closed = facts.local(remote.closed, zone)
    row.closed_on, row.closed_quality = closed.on, closed.quality
    notified = facts.local(remote.rejected_notified, zone)
    row.rejected_notified_on, row.rejected_notified_quality = notified.on, notified.quality
    started = facts.local(remote.hire_started, zone)
    row.hire_started_on, row.hire_started_quality = started.on, started.quality
    return row
