"""A CSV connection reads and erases nothing by itself, and never pretends that it did."""

import pytest

from apps.connectors.csv_import.adapter import CsvImport
from apps.connectors.errors import ConnectorError
from apps.connectors.port import Connector


def test_it_is_a_connector_without_actions() -> None:
    adapter: Connector = CsvImport()
    assert adapter.capabilities.actions == frozenset()
    assert not adapter.capabilities.reads_changes
    assert adapter.check().ok


def test_changes_are_none_and_the_cursor_stays() -> None:
    (page,) = CsvImport().changes("where we were")
    assert (page.candidates, page.cursor, page.done) == ((), "where we were", True)


@pytest.mark.parametrize("verb", ["fetch", "export", "search", "anonymize", "delete"])
def test_everything_else_is_left_to_a_person(verb: str) -> None:
    asked = ["7"] if verb in ("fetch", "export") else "7"
    with pytest.raises(ConnectorError, match=r"^by_hand$"):
        getattr(CsvImport(), verb)(asked)
