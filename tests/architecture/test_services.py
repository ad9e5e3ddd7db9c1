"""Services write: keyword-only, and they always know who acts (HOUSE.md, "A room")."""

import ast
from collections.abc import Iterator

from tests.architecture import sources

_FINDS_OUT = "it finds out who acts"
_READS = "reads, writes nothing"
#: function → why it takes no actor.
WITHOUT_ACTOR: dict[str, str] = {
    "accounts.authenticate_key": _FINDS_OUT,
    "accounts.use_sign_in_link": _FINDS_OUT,
    "accounts.note_sign_in": "the person it names is the actor",
    "audit.integrate": "places what others have recorded",
    "connectors.adapter": _READS,
    "connectors.capabilities": _READS,
    "connectors.check": _READS,
    "connectors.receive": "a vendor speaks: the signature under the connection is who it is",
    "keys.digest": _READS,
    "keys.find": _READS,
    "keys.index": "part of the intake, whose entry names the actor",
    "keys.instance_key": _READS,
    "keys.journalled": _READS,
    "keys.open_many": _READS,
    "subjects.ask_again": "part of a change, whose entry names the actor",
    "subjects.count_archived": "part of archiving, whose entry names the actor",
    "subjects.look_again": "part of a change of the mapping, whose entry names the actor",
    "keys.open_one": _READS,
    "keys.tombstones": _READS,
    "subjects.lock_everyone": "takes a lock, writes nothing",
    "subjects.lock_family": "takes a lock, writes nothing",
}
_OBJECT = "its one object stands for itself"
#: function → why it takes an argument by position.
BY_POSITION: dict[str, str] = {
    "accounts.authenticate_key": _OBJECT,
    "connectors.adapter": _OBJECT,
    "connectors.capabilities": _OBJECT,
    "audit.record": "reads as a sentence: record this verb",
    "audit.record_each": "as `record`",
    "audit.record_pairs": "as `record`",
    "keys.digest": "kind and value, as in the index",
    "keys.find": "kind and values, as in the index",
    "keys.forget": _OBJECT,
    "keys.index": _OBJECT,
    "keys.instance_key": _OBJECT,
    "keys.journalled": _OBJECT,
    "keys.new": _OBJECT,
    "keys.open_many": _OBJECT,
    "keys.open_one": _OBJECT,
    "keys.entomb": _OBJECT,
    "keys.shred": _OBJECT,
    "keys.shred_many": _OBJECT,
    "keys.tombstones": "which connection, which digests",
    "subjects.ask_again": _OBJECT,
    "subjects.lock_family": _OBJECT,
    "subjects.touch": _OBJECT,
}


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
