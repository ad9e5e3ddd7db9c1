"""Which module may import what, where import-linter cannot see it (pyproject.toml has the rest)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.architecture import sources

# Modules that are decided by their arguments: no database, settings, clock, network or files.
PURE = {
    "rules", "derivation", "states", "periods", "differences", "grounds_sql", "due_sql",
    "simulation_sql", "mapping_sql", "meanings", "hold_rules", "versions", "merkle",
    "tiles", "note", "canonical",
}  # fmt: skip
PURE_FILES = {
    "apps/erasure/verification.py",
    "apps/erasure/taxonomy.py",
    "apps/subjects/suppression.py",
    "apps/connectors/paths.py",
}
IMPURE = (
    "django.db", "django.conf", "django.core", "django.utils.timezone", "django.apps",
    "apps.core.clock", "apps.core.scope", "apps.core.models", "celery", "httpx", "psycopg",
    "time", "os", "random", "secrets", "socket", "subprocess", "pathlib", "tempfile",
)  # fmt: skip
HTTP = (
    "django.http", "django.views", "django.urls", "django.shortcuts", "django.forms",
    "django.contrib.admin", "rest_framework", "drf_spectacular", "django_htmx", "allauth",
)  # fmt: skip
# What a fake server is made of besides the standard library.
FAKE_MAY_USE = {"faker"}


def _hidden(path: Path) -> Iterator[str]:
    for function in sources.functions(path):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield sources.place(path, node)


def _is_pure(path: Path) -> bool:
    return path.stem in PURE or sources.place(path) in PURE_FILES


def _breaches(paths: Iterator[Path], *forbidden: str) -> list[str]:
    return sorted(
        {
            f"{sources.place(path, node)} imports {name}"
            for path in paths
            for node, name in sources.imports(path)
            if sources.within(name, *forbidden)
        }
    )


def test_no_import_hides_in_a_function() -> None:
    paths = sources.files("apps", "config", "demo", "tests")
    assert [place for path in paths for place in _hidden(path)] == []


def test_rules_are_pure() -> None:
    pure = [path for path in sources.rooms() if _is_pure(path)]
    assert len(pure) >= 5, "the rules have moved: this test no longer finds them"
    assert _breaches(iter(pure), *IMPURE) == []


def test_only_doors_know_http_frameworks() -> None:
    assert _breaches(iter(sources.rooms()), *HTTP) == []


def test_only_doors_and_the_composition_import_tasks() -> None:
    paths = (path for path in sources.rooms() if path.stem != "tasks")
    breaches = [
        f"{sources.place(path, node)} imports {name}"
        for path in paths
        for node, name in sources.imports(path)
        if name.startswith("apps.") and "tasks" in name.split(".")
    ]
    assert breaches == []


def test_fake_servers_are_built_from_the_standard_library() -> None:
    fakes = sources.files("apps/connectors/fakes")
    foreign = [
        f"{sources.place(path, node)} imports {name}"
        for path in fakes
        for node, name in sources.imports(path)
        if (root := name.split(".")[0]) not in sys.stdlib_module_names | FAKE_MAY_USE
        and not (root == "apps" and sources.within(name, "apps.connectors.fakes"))
    ]
    assert fakes
    assert foreign == []


def test_adapters_and_their_fakes_do_not_meet() -> None:
    adapters = (
        path
        for path in sources.files("apps", "config")
        if "fakes" not in path.relative_to(sources.ROOT).parts
    )
    assert _breaches(adapters, "apps.connectors.fakes") == []


def test_no_room_opens_the_scope_by_itself_outside_the_list() -> None:
    """`scope.unscoped(reason)` only where the whole installation is meant (HOUSE §5)."""
    users = {
        sources.place(path)
        for path in sources.files("apps")
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "unscoped"
    }
    assert users == UNSCOPED.keys(), "give the reason here, or enter a scope"


#: module → why it must see more than one controller.
UNSCOPED = {
    "apps/accounts/services.py": "the key that a machine presents tells its controller",
    "apps/erasure/replay.py": "whether two databases belong together is asked of both as a whole",
    "apps/connectors/services.py": "the connection that a webhook names tells its controller",
}
