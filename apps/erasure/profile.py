"""Pure: what goes to the intermediate archive, and what was found of it.

The archive holds only what a defence against a claim may need (CNIL: “strictly necessary”): who
applied, for what, when, what was decided and on which objective ground. Nothing else that an ATS
returns is ever copied: fields are drawn by name, never “all but”. Free texts, photos, birth
dates, nationality, salaries, references and special categories have no name here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from apps.connectors import paths
from apps.connectors.port import ArchiveField, RemoteCandidate, Scalar, Snapshot

#: unreadable: the ATS shows it to nobody, or the reading failed; whether it exists is unknown.
Status = Literal["archived", "absent", "unreadable"]

NAME: Final = "minimal/1"
#: The minimal profile, in the order in which it is shown.
FIELDS: Final = (
    "candidate_ref",
    "full_name",
    "contact_email",
    "job_ref",
    "application_date",
    "stage_dates",
    "decision",
    "decision_reason_objective",
    "evaluation_grid",
    "refusal_communication",
    "notices_version",
    "ai_screening_ref",
)
#: Of these Lethe knows itself, so that no ATS has to show them.
_OWN: Final = frozenset({"refusal_communication", "notices_version"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is sealed, and what became of each field of the profile."""

    content: Mapping[str, Any] = field(repr=False)
    statuses: Mapping[str, Status]

    @property
    def unreadable(self) -> tuple[str, ...]:
        return tuple(name for name in FIELDS if self.statuses[name] == "unreadable")


def blind(offered: Sequence[ArchiveField]) -> tuple[str, ...]:
    """Fields that this ATS shows to nobody: known before anything is approved."""
    shown = {one.name for one in offered if one.shown_at} | _OWN
    return tuple(name for name in FIELDS if name not in shown)


def draw(snapshot: Snapshot, offered: Sequence[ArchiveField], notices: Sequence[str]) -> Drawn:
    """The minimal profile of one fresh reading. `notices`: versions the person was given."""
    own: Mapping[str, Mapping[str, Scalar]] = {
        "refusal_communication": _told(snapshot.candidate),
        "notices_version": {str(n): version for n, version in enumerate(notices)},
        "decision_reason_objective": _reasons(snapshot.candidate),
    }
    shown = {one.name: one.shown_at for one in offered}
    content: dict[str, Any] = {}
    statuses: dict[str, Status] = {}
    for name in FIELDS:
        found = {**_read(snapshot, shown.get(name, ())), **own.get(name, {})}
        if found:
            content[name] = found
        statuses[name] = _status(name, found, shown.get(name, ()), snapshot)
    return Drawn(content, statuses)


def joined(
    content: Mapping[str, Any],
    before: Mapping[str, Status],
    fresh: Drawn,
    *,
    erased: Collection[str],
) -> Drawn:
    """What was sealed before, and what a later reading adds to it: the first value stays, since
    the ATS may show less by now. `erased`: the vendor's own marks of an erased value.

    What neither reading saw the whole of stays unreadable, whatever was found elsewhere.
    """
    found: dict[str, Any] = {}
    statuses: dict[str, Status] = {}
    for name in FIELDS:
        was, now = content.get(name, {}), fresh.content.get(name, {})
        told = {path: value for path, value in now.items() if str(value) not in erased}
        later = {
            f"{path} (later)": value
            for path, value in told.items()
            if path in was and was[path] != value
        }
        if together := {**told, **was, **later}:
            found[name] = together
        never = before.get(name) == fresh.statuses[name] == "unreadable"
        statuses[name] = "archived" if together and not never else fresh.statuses[name]
    return Drawn(found, statuses)


def _status(
    name: str, found: Mapping[str, Scalar], shown_at: Sequence[str], snapshot: Snapshot
) -> Status:
    """A part that could not be read may hold more than what was found elsewhere."""
    parts = {pattern.split(".", 1)[0] for pattern in shown_at}
    if parts & snapshot.unreadable:
        return "unreadable"
    if found:
        return "archived"
    return "absent" if parts or name in _OWN else "unreadable"


def _read(snapshot: Snapshot, patterns: Sequence[str]) -> dict[str, Scalar]:
    return {
        path: value
        for path, value in sorted(snapshot.leaves.items())
        if value not in (None, "") and paths.any_matches(patterns, path)
    }


def _told(candidate: RemoteCandidate | None) -> dict[str, Scalar]:
    """The day each refusal was told, with how far it can be trusted."""
    applications = candidate.applications if candidate is not None else ()
    return {
        f"application.{n}.{what}": said
        for n, one in enumerate(applications)
        if one.rejected_notified.at is not None
        for what, said in (
            ("notified_at", one.rejected_notified.at.isoformat()),
            ("quality", one.rejected_notified.quality),
        )
    }


def _reasons(candidate: RemoteCandidate | None) -> dict[str, Scalar]:
    """The reason in the ATS's own list: objective, as nobody typed it about this person."""
    applications = candidate.applications if candidate is not None else ()
    return {
        f"application.{n}.reason": one.reason for n, one in enumerate(applications) if one.reason
    }
