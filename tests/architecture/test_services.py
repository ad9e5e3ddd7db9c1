"""Services write: keyword-only, and they always know who acts (HOUSE.md, "A room")."""

import ast
from collections.abc import Iterator

from tests.architecture import sources

#: function → why it takes no actor.
WITHOUT_ACTOR: dict[str, str] = {}
#: function → why it takes its arguments by position.
BY_POSITION: dict[str, str] = {}


def _services() -> Iterator[tuple[str, sources.Function]]:
    for path in sources.rooms():
        if path.stem != "services" and path.parent.name != "services":
            continue
        room = path.relative_to(sources.ROOT / "apps").parts[0]
        for node in sources.tree(path).body:
            if isinstance(node, sources.Function) and not node.name.startswith("_"):
                yield f"{room}.{node.name}", node


def _names(arguments: list[ast.arg]) -> set[str]:
    return {argument.arg for argument in arguments}


def test_there_are_services_to_check() -> None:
    assert len(list(_services())) >= 10


def test_every_service_knows_its_actor() -> None:
    anonymous = {name for name, node in _services() if "actor" not in _names(node.args.kwonlyargs)}
    assert anonymous == WITHOUT_ACTOR.keys()


def test_every_service_is_called_by_keywords() -> None:
    positional = {name for name, node in _services() if node.args.args or node.args.posonlyargs}
    assert positional == BY_POSITION.keys()
