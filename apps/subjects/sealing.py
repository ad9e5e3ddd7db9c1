"""What may be read of a person, and only with their key: name, e-mails, phones, remote id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.connectors.port import RemoteCandidate
from apps.core import canonical, crypto
from apps.subjects.models import Record, Subject

_SUBJECT = "subjects_subject"
_RECORD = "subjects_record"


@dataclass(frozen=True, slots=True)
class Identity:
    first_name: str = ""
    last_name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def seal_identity(subject: Subject, key: bytes, candidate: RemoteCandidate) -> None:
    """Add what an ATS says now to what is known of a subject, the present values first.

    Nothing shown before is dropped while a record lives: another record may still hold it, and
    the search that must prove an absence tries every address (HOUSE §5). An anonymized record
    tells nothing about the person's name.
    """
    known = open_identity(subject, key)
    named = bool(candidate.first_name or candidate.last_name) and not candidate.anonymized
    if named or subject.sealed_name is None:
        name = {"first": candidate.first_name, "last": candidate.last_name}
        subject.sealed_name = _seal(key, name, "sealed_name", subject.pk)
    emails = _union("email", candidate.emails, known.emails)
    phones = _union("phone", candidate.phones, known.phones)
    subject.sealed_emails = _seal(key, emails, "sealed_emails", subject.pk)
    subject.sealed_phones = _seal(key, phones, "sealed_phones", subject.pk)


def _union(kind: str, now: Sequence[str], before: Sequence[str]) -> list[str]:
    """What is shown now, then what was shown before in no spelling of it."""
    if not before:
        return list(now)
    shown = {crypto.normalise(kind, value) for value in now}
    return [*now, *(value for value in before if crypto.normalise(kind, value) not in shown)]


def open_identity(subject: Subject, key: bytes) -> Identity:
    """Raises crypto.CryptoError when a column was changed or moved."""
    name = _open(key, subject.sealed_name, "sealed_name", subject.pk) or {}
    emails = _open(key, subject.sealed_emails, "sealed_emails", subject.pk) or []
    phones = _open(key, subject.sealed_phones, "sealed_phones", subject.pk) or []
    return Identity(name.get("first", ""), name.get("last", ""), tuple(emails), tuple(phones))


def seal_remote_id(record: Record, key: bytes, remote_id: str) -> None:
    record.sealed_remote_id = crypto.seal(
        key, remote_id.encode(), table=_RECORD, column="sealed_remote_id", row=record.pk
    )


def open_remote_id(record: Record, key: bytes) -> str:
    sealed = bytes(record.sealed_remote_id or b"")
    plain = crypto.open(key, sealed, table=_RECORD, column="sealed_remote_id", row=record.pk)
    return plain.decode()


def _seal(key: bytes, value: object, column: str, row: UUID) -> bytes:
    return crypto.seal(key, canonical.dumps(value), table=_SUBJECT, column=column, row=row)


def _open(key: bytes, sealed: bytes | memoryview | None, column: str, row: UUID) -> Any:
    if sealed is None:
        return None
    return json.loads(crypto.open(key, bytes(sealed), table=_SUBJECT, column=column, row=row))
