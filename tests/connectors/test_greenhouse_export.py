"""Whose is it: rows that name their candidate only through an application, or not at all."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from apps.connectors.greenhouse import export
from apps.connectors.greenhouse.api import Api, Json
from apps.connectors.port import RemoteCandidate, Snapshot


class Lists(Api):
    """Lists as they might come, by path and filter; no server would store such rows for us."""

    def __init__(self, **rows: list[Json]) -> None:
        object.__setattr__(self, "answers", rows)

    def by_ids(self, path: str, parameter: str, ids: Iterable[str]) -> list[Json]:
        found: list[Json] = self.answers.get(f"{path}_{parameter}", [])  # type: ignore[attr-defined]  # set above
        return found if list(ids) else []


def taken(*remote_ids: str, **rows: list[Json]) -> dict[str, Snapshot]:
    return export.snapshots(Lists(**rows), remote_ids, {}, _nobody, datetime.now(UTC))


def _nobody(_row: Json, _parts: export.Rows) -> RemoteCandidate:
    pytest.fail("no candidate was found, so none is made")


APPLICATIONS: list[Json] = [{"id": 11, "candidate_id": 1}, {"id": 22, "candidate_id": 2}]


def test_a_file_that_names_only_its_application_is_its_candidates() -> None:
    found = taken(
        "1",
        "2",
        applications_candidate_ids=APPLICATIONS,
        attachments_application_ids=[{"id": 5, "candidate_id": None, "application_id": 22}],
    )
    assert "attachment.5.id" in found["2"].leaves
    assert "attachment.5.id" not in found["1"].leaves
    assert found["2"].unreadable == frozenset()


def test_a_file_found_both_ways_is_one() -> None:
    row = {"id": 5, "candidate_id": 1, "application_id": 11, "url": "https://signed.example"}
    found = taken(
        "1",
        applications_candidate_ids=APPLICATIONS[:1],
        attachments_candidate_ids=[row],
        attachments_application_ids=[row],
    )
    assert found["1"].leaves["attachment.5.url"] is True
    assert [path for path in found["1"].leaves if path.endswith(".url")] == ["attachment.5.url"]


def test_a_row_of_nobody_makes_its_part_unreadable_for_everybody() -> None:
    stray: list[Json] = [{"id": 5, "candidate_id": None, "application_id": 99}]
    found = taken("1", "2", notes_candidate_ids=stray)
    assert {one.unreadable for one in found.values()} == {frozenset({"note"})}
    assert "note.None.5.id" in taken("1", notes_candidate_ids=stray)["1"].leaves
