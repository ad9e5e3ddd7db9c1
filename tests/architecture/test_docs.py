"""Documents: no link inside the repository leads nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tests.architecture import sources

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def _documents() -> list[Path]:
    return sorted([*sources.ROOT.glob("*.md"), *(sources.ROOT / "docs").rglob("*.md")])


def _anchor(heading: str) -> str:
    """The fragment that forges make of a heading."""
    plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _dead(document: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", document.read_text())):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        name, _, fragment = unquote(link).partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists():
            yield f"{sources.place(document)} → {link}"
        elif fragment and target.suffix == ".md":
            anchors = {_anchor(title) for title in HEADING.findall(target.read_text())}
            if fragment not in anchors:
                yield f"{sources.place(document)} → {link} (no such heading)"


def test_links_between_documents_lead_somewhere() -> None:
    documents = _documents()
    assert documents
    assert [dead for document in documents for dead in _dead(document)] == []
