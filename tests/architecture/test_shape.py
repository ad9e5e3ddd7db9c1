"""STYLE.md: sizes, names of files, and no suppression without its reason."""

import ast
import re
import statistics
from pathlib import Path

from tests.architecture import sources

FILE_CAP = 400
FUNCTION_CAP = 60
TASK_CAP = 5
# HTTP belongs to doors, flow does not hide in signals, and a helper has a better name.
FORBIDDEN_IN_ROOMS = {
    "views", "urls", "serializers", "admin", "signals", "utils", "helpers", "forms", "middleware",
}  # fmt: skip
SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma|nosec|fmt:\s*off)\b.*")
# A code, then the reason after a dash or another hash.
REASONED = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\])\s*(?:-|—|#)\s*\w.{5,}")


def _ours() -> tuple[Path, ...]:
    return sources.files("apps", "config", "demo", "tests")


def _is_migration(path: Path) -> bool:
    """Written once, mostly by Django, and never read in parts: no cap."""
    return path.parent.name == "migrations"


def test_no_file_is_longer_than_the_cap() -> None:
    lengths = {path: path.read_text().count("\n") for path in _ours() if not _is_migration(path)}
    too_long = {sources.place(path): lines for path, lines in lengths.items() if lines > FILE_CAP}
    assert too_long == {}


def test_no_function_is_longer_than_the_cap() -> None:
    too_long = [
        f"{sources.place(path, function)} {function.name}: {sources.length(function)} lines"
        for path in _ours()
        if not _is_migration(path)
        for function in sources.functions(path)
        if sources.length(function) > FUNCTION_CAP
    ]
    assert too_long == []


def test_functions_are_short_as_a_rule() -> None:
    lengths = sorted(
        sources.length(function)
        for path in sources.files("apps", "config", "demo")
        if not _is_migration(path)
        for function in sources.functions(path)
    )
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.95)] <= 40


def test_rooms_hold_no_file_of_another_kind() -> None:
    misplaced = [
        sources.place(path)
        for path in sources.rooms()
        if FORBIDDEN_IN_ROOMS & {path.stem, path.parent.name}
    ]
    assert misplaced == []


def test_a_task_is_a_shim() -> None:
    long = [
        f"{sources.place(path, function)} {function.name}"
        for path in sources.rooms()
        if path.stem == "tasks"
        for function in sources.functions(path)
        if len(function.body) > TASK_CAP
        or sum((part.end_lineno or 0) - part.lineno + 1 for part in function.body) > TASK_CAP
    ]
    assert long == []


def test_every_suppression_gives_its_reason() -> None:
    bare = [
        f"{sources.place(path)}:{number}"
        for path in _ours()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := SUPPRESSION.search(line)) and not REASONED.match(found[0])
        if path != Path(__file__)
    ]
    assert bare == []


def test_every_room_says_what_it_is() -> None:
    silent = [
        room
        for room in (*sources.ROOMS, *sources.DOORS)
        if (path := sources.ROOT / "apps" / room / "__init__.py").exists()
        and not ast.get_docstring(sources.tree(path))
    ]
    assert silent == []
