"""The port for a CSV connection: no API, so nothing is read or erased by itself.

Its people come in when somebody uploads a file, and every erasure is a task for a person. It
refuses rather than answers: an empty answer would look like “this person is gone”.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from apps.connectors.errors import ConnectorError
from apps.connectors.port import Capabilities, Check, Page, Receipt, RemoteCandidate, Snapshot

CAPABILITIES = Capabilities(actions=frozenset(), reads_changes=False, reads_back=False)


class CsvImport:
    capabilities: Capabilities = CAPABILITIES

    def check(self) -> Check:
        return Check(ok=True)

    def changes(self, since: str) -> Iterator[Page]:
        """Nothing: files are taken in when they are uploaded. The cursor stays as it is."""
        yield Page((), since, done=True)

    def fetch(self, remote_ids: Sequence[str]) -> Mapping[str, RemoteCandidate]:
        _by_hand(remote_ids)

    def export(self, remote_ids: Sequence[str]) -> Mapping[str, Snapshot]:
        _by_hand(remote_ids)

    def search(self, email: str) -> tuple[str, ...]:
        _by_hand(email)

    def anonymize(self, remote_id: str) -> Receipt:
        _by_hand(remote_id)

    def delete(self, remote_id: str) -> Receipt:
        _by_hand(remote_id)


def _by_hand(_asked: object) -> NoReturn:
    raise ConnectorError("by_hand")
