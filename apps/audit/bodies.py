"""What an entry's body looks like: canonical JSON, ASCII, the same bytes for ever.

    {"actor":{"id":…,"kind":…},"at":…,"facts":{…},"id":…,"log":…,"object":…,"v":1,"verb":…}

`facts` holds refs, counts, codes, commitments (hex) and dates, each group only when it has
something. Keys are sorted, so every body ends in log, object, v and verb: that is how the
columns beside it are compared in one look, and how one statement writes many entries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypedDict, cast, get_args
from uuid import UUID, uuid4

from django.utils.translation import gettext_lazy as _

from apps.core import canonical
from apps.core.actors import Actor, ActorKind
from apps.core.errors import Invalid

if TYPE_CHECKING:
    from apps.audit.verbs import Verb

KINDS = get_args(ActorKind)
#: canonical.dumps for what `facts` has already reduced to small words and whole numbers.
_spell = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
VERSION = 1
COMMITMENT_BYTES = 32
MAX_COUNT = 2**63 - 1

Facts = dict[str, dict[str, "str | int"]]


@dataclass(frozen=True, slots=True)
class Body:
    """An entry as it was written; `facts` as in the JSON."""

    id: UUID
    at: datetime
    log: UUID
    actor_kind: str
    actor_id: UUID
    verb: str
    object: UUID | None
    facts: Mapping[str, Mapping[str, Any]]


class Given(TypedDict, total=False):
    """What a caller may say besides who, what and which object; keys as the verb declares."""

    refs: Mapping[str, UUID]
    counts: Mapping[str, int]
    codes: Mapping[str, str]
    commitments: Mapping[str, bytes]
    dates: Mapping[str, date]


def facts(verb: Verb, given: Given) -> Facts:
    """Checked against the verb's declaration. Raises Invalid, naming the key but no value."""
    found: Facts = {}
    for group, values in cast(Mapping[str, Mapping[str, Any]], given).items():
        if group not in Given.__annotations__:
            raise Invalid("undeclared_key", _("The ledger's word has no such key."), field=group)
        if values:
            declared = getattr(verb, group)
            found[group] = {key: _fact(group, declared, key, values[key]) for key in values}
    return found


def _fact(group: str, declared: Any, key: str, value: Any) -> str | int:
    if key not in declared:
        raise Invalid("undeclared_key", _("The ledger's word has no such key."), field=key)
    plain = _SPELLINGS[group](value) if group in _SPELLINGS else _code(declared[key], value)
    if plain is None:
        raise Invalid("undeclared_value", _("The ledger takes no such value here."), field=key)
    return plain


def _ref(value: Any) -> str | None:
    return str(value) if isinstance(value, UUID) else None


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MAX_COUNT else None


def _commitment(value: Any) -> str | None:
    right = isinstance(value, (bytes, memoryview)) and len(value) == COMMITMENT_BYTES
    return value.hex() if right else None


def _date(value: Any) -> str | None:
    return value.isoformat() if type(value) is date else None


def _code(allowed: Any, value: Any) -> str | None:
    return str(value) if isinstance(value, str) and value in allowed else None


_SPELLINGS = {"refs": _ref, "counts": _count, "commitments": _commitment, "dates": _date}


def compose(
    verb: str, *, actor: Actor, log: UUID, target: UUID | None, known: Facts
) -> tuple[bytes, bytes]:
    """The body of one entry, with a random id of its own, before and after its instant, which
    the database writes. Raises Invalid for an actor or an object that is not an opaque id."""
    if not isinstance(target, (UUID, type(None))):
        raise Invalid("undeclared_value", _("The ledger takes no such value here."), field="object")
    opens, before, between, after = template(verb, actor=actor, log=log, known=known)
    named = str(target)
    if target is None:
        between, named, after = between.removesuffix('"'), "null", after.removeprefix('"')
    return opens.encode("ascii"), f"{before}{uuid4()}{between}{named}{after}".encode("ascii")


def template(verb: str, *, actor: Actor, log: UUID, known: Facts) -> tuple[str, str, str, str]:
    """The text before an entry's instant, between it and the entry's id, between that and the
    object's id, and after, so that SQL can write many bodies. This is canonical JSON spelled by
    hand: every value but `known` is of a form that needs no escaping, and each business
    transaction waits for this line."""
    if actor.kind not in KINDS or not isinstance(actor.id, UUID):
        raise Invalid("undeclared_value", _("The ledger takes no such value here."), field="actor")
    return (
        f'{opening(actor)}"at":"',
        f'","facts":{_spell(known)},"id":"',
        f'","log":"{log}","object":"',
        f'","v":{VERSION},"verb":"{verb}"}}',
    )


def opening(actor: Actor) -> str:
    """How every entry of this actor begins."""
    return f'{{"actor":{{"id":"{actor.id}","kind":"{actor.kind}"}},'


def parse(data: bytes) -> Body:
    """Raises ValueError for anything but a body of this version in its canonical spelling."""
    value = json.loads(data)
    if not isinstance(value, dict) or value.get("v") != VERSION or canonical.dumps(value) != data:
        raise ValueError("not an entry of this version")
    try:
        return Body(
            id=UUID(value["id"]),
            at=datetime.fromisoformat(value["at"]),
            log=UUID(value["log"]),
            actor_kind=str(value["actor"]["kind"]),
            actor_id=UUID(value["actor"]["id"]),
            verb=str(value["verb"]),
            object=UUID(value["object"]) if value["object"] else None,
            facts=value["facts"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an entry of this version") from error
