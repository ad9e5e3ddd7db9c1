"""Tables and diagrams of docs/design that are drawn from the data the code uses.

python -m tests.architecture.drawings writes them anew; a test compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from apps.retention import versions
from apps.retention.rules import PASSING, WEIGHTS

PAGE = Path(__file__).parents[2] / "docs" / "design" / "retention.md"
_BLOCK = "<!-- drawn: {name} -->\n{body}\n<!-- end -->"
_FOUND = re.compile(r"<!-- drawn: (\w+) -->\n.*?\n<!-- end -->", re.DOTALL)


def drawings() -> Mapping[str, str]:
    """Name → Markdown, for each block of the page."""
    return {"weights": _weights(), "record": _record(), "version": _version()}


def redrawn(page: str) -> str:
    """The page with every block drawn from today's data. Raises KeyError for an unknown one."""
    blocks = drawings()

    def fresh(found: re.Match[str]) -> str:
        return _BLOCK.format(name=found[1], body=blocks[found[1]])

    return _FOUND.sub(fresh, page)


def names(page: str) -> set[str]:
    return {found[1] for found in _FOUND.finditer(page)}


def _weights() -> str:
    rows = [f"| {n} | {one.ground} | {one.outcome} |" for n, one in enumerate(WEIGHTS)]
    return "\n".join(["| weight | the strongest ground | outcome |", "|---|---|---|", *rows])


def _record() -> str:
    lines = [
        f"    {before} --> {after}"
        for before, all_after in PASSING.items()
        for after in sorted(all_after)
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _version() -> str:
    lines = [f"    {before} --> {after}: {why}" for before, (after, why) in versions.LIFE.items()]
    first = next(iter(versions.LIFE))
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```"])


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"Drawn: {', '.join(drawings())}.\n")
