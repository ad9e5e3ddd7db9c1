"""What docs/design shows of the rules is drawn from the data that the code uses."""

from __future__ import annotations

from tests.architecture import drawings


def test_the_page_on_retention_is_drawn_from_the_code() -> None:
    page = drawings.PAGE.read_text(encoding="utf-8")
    assert drawings.names(page) == set(drawings.drawings())
    assert drawings.redrawn(page) == page, "write it again: python -m tests.architecture.drawings"
