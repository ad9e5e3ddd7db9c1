"""The source files as trees, read once, for the rules that the tests of this folder check."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
ROOMS: Final = (
    "core", "audit", "keys", "controllers", "accounts", "connectors", "outbox", "subjects",
    "consents", "retention", "erasure",
)  # fmt: skip
DOORS: Final = ("api", "console", "portal")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(*folders: str) -> tuple[Path, ...]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(path for path in found if "node_modules" not in path.parts))


def rooms() -> tuple[Path, ...]:
    return files(*(f"apps/{room}" for room in ROOMS))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def place(path: Path, node: ast.stmt | ast.expr | None = None) -> str:
    where = path.relative_to(ROOT).as_posix()
    return where if node is None else f"{where}:{node.lineno}"


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree(path)):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported module by its full name; `from a import b` gives both a and a.b."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield node, module
            yield from ((node, f"{module}.{alias.name}") for alias in node.names)


def within(name: str, *modules: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
