"""Pure: what a read-back shows. The only way a step becomes `verified`.

Everything the vendor returns is compared with an allow-list of what is not personal, not only
the fields we asked it to erase. For each field of the vendor:

    residue    a value is still there: never success, whatever the vendor said
    clean      a read that covers it shows nothing left
    confirmed  no read shows it, and the vendor's own event names it as erased
    unread     no read shows it and nothing confirms it, or the read failed

A value at a place nobody declared counts as residue under its own path's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from apps.connectors import paths
from apps.connectors.port import Capabilities, ErasureField, Scalar, Snapshot

Outcome = Literal["verified", "residual", "unverifiable"]
#: The name under which the whole record is listed when the vendor no longer returns it.
WHOLE_RECORD = "record"


@dataclass(frozen=True, slots=True)
class Reading:
    """Names of fields by what was seen; never a value."""

    clean: tuple[str, ...] = ()
    residue: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.residue:
            return "residual"
        if self.unread or not (self.clean or self.confirmed):
            return "unverifiable"
        return "verified"


def judge(
    after: Snapshot, capabilities: Capabilities, *, confirmed: Collection[str] = ()
) -> Reading:
    """Compare everything read with what may remain. `after` must have been found."""
    if not after.found:
        raise ValueError("an absent record is judged by `judge_absence`")
    fields = capabilities.fields
    residue = remains(after, capabilities)
    open_fields = [field.name for field in fields if field.name not in residue]
    blind = {field.name for field in fields if _blind(field, after.unreadable)}
    covered = {_part(pattern) for field in fields for pattern in field.shown_at}
    unread = [name for name in open_fields if name in blind and name not in confirmed]
    return Reading(
        clean=tuple(name for name in open_fields if name not in blind),
        residue=residue,
        confirmed=tuple(name for name in open_fields if name in blind and name in confirmed),
        unread=(*unread, *sorted(after.unreadable - covered)),
    )


def remains(after: Snapshot, capabilities: Capabilities) -> tuple[str, ...]:
    """Names of the fields that still hold a value, in order: files may outlive their candidate."""
    owners = ((path, _owner(path, capabilities.fields)) for path in _personal(after, capabilities))
    return tuple(sorted({owner or _generic(path) for path, owner in owners}))


def judge_absence(
    *,
    existed: bool,
    credential_whole: bool,
    found_elsewhere: bool,
    still_found: bool,
    left: tuple[str, ...] = (),
    unreadable: tuple[str, ...] = (),
) -> Reading:
    """An id the vendor no longer returns proves nothing by itself (HOUSE §5).

    It counts when there is earlier evidence that it existed, the credential still has its
    scope, and a search by each of the person's e-mails finds nobody: a merge also removes the
    id while the person lives on.
    """
    if still_found:
        return Reading(residue=(WHOLE_RECORD,))
    if left or unreadable:
        return Reading(residue=left, unread=unreadable)
    if existed and credential_whole and not found_elsewhere:
        return Reading(clean=(WHOLE_RECORD,))
    return Reading(unread=(WHOLE_RECORD,))


def _personal(after: Snapshot, capabilities: Capabilities) -> Iterator[str]:
    """Paths that still hold a value which may be personal."""
    for path, value in after.leaves.items():
        if _is_blank(value) or _matches(path, capabilities.not_personal):
            continue
        if not _is_end_state(path, value, after.remote_id, capabilities.fields):
            yield path


def _is_blank(value: Scalar) -> bool:
    return value is None or value == "" or value is False


def _is_end_state(
    path: str, value: Scalar, remote_id: str, fields: tuple[ErasureField, ...]
) -> bool:
    """The vendor's own mark of an erased value, such as the name “Anonymized”."""
    states = (
        state.format(remote_id=remote_id)
        for field in fields
        if _matches(path, field.shown_at)
        for state in field.end_states
    )
    return str(value) in states


def _owner(path: str, fields: tuple[ErasureField, ...]) -> str | None:
    return next((field.name for field in fields if _matches(path, field.shown_at)), None)


def _blind(field: ErasureField, unreadable: frozenset[str]) -> bool:
    """No read shows this field, or the part of the read that would have failed."""
    parts = {_part(pattern) for pattern in field.shown_at}
    return not parts or bool(parts & unreadable)


def _part(pattern: str) -> str:
    """The list of the vendor a path belongs to: its first segment."""
    return pattern.split(".", 1)[0]


def _generic(path: str) -> str:
    """A path without its positions and keys of lists: `notes.3.body` is `notes.body`."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return paths.any_matches(patterns, path)
