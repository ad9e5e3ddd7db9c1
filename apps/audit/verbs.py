"""The words of the ledger: what may be said, declared once by the room that says it.

A verb names every key an entry may carry and, for codes, every value. There is no field for
text, so nothing a person typed and nothing about a person can slip in: an entry holds opaque
ids, whole numbers, declared codes, dates and 32-byte commitments.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from apps.core.dates import day
from apps.core.errors import Invalid

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

_NAME = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


@dataclass(frozen=True)
class Verb:
    """`sentence` is for people: a lazy translation with %(key)s for counts, codes and dates.

    `codes` gives the allowed values of each key; as a mapping from value to a translated
    label, the label is what the sentence shows. `refs` are ids, `commitments` 32 bytes each.
    """

    name: str
    sentence: _StrOrPromise
    refs: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    codes: Mapping[str, Collection[str]] = field(default_factory=dict)
    commitments: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


_declared: dict[str, Verb] = {}


def declare(verb: Verb) -> Verb:
    """Register a verb at import. Raises ValueError for a malformed or second declaration."""
    keys = [*verb.refs, *verb.counts, *verb.codes, *verb.commitments, *verb.dates]
    if not _NAME.fullmatch(verb.name) or len(set(keys)) != len(keys):
        raise ValueError(f"{verb.name}: a verb is room.participle, and each key has one kind")
    if not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError(f"{verb.name}: keys are small words")
    if not all(_CODE.fullmatch(value) for values in verb.codes.values() for value in values):
        raise ValueError(f"{verb.name}: codes are short words without spaces")
    if verb.name in _declared:
        raise ValueError(f"{verb.name} is declared twice")
    _declared[verb.name] = verb
    return verb


def registered() -> tuple[Verb, ...]:
    return tuple(_declared.values())


def declared(verb: Verb) -> Verb:
    """The verb itself. Raises Invalid unless this very object was declared."""
    if _declared.get(verb.name) is not verb:
        raise Invalid("unknown_verb", _("The ledger does not know this word."), field="verb")
    return verb


def sentence(name: str, facts: Mapping[str, Mapping[str, Any]]) -> str:
    """What an entry says, in the reader's language. The name alone where the words have
    changed since: history stays readable when a room is gone."""
    verb = _declared.get(name)
    if verb is None:
        return name
    values = dict(facts.get("counts", {}))
    values.update({key: _label(verb, key, code) for key, code in facts.get("codes", {}).items()})
    try:
        values |= {key: day(date.fromisoformat(on)) for key, on in facts.get("dates", {}).items()}
        return str(verb.sentence) % values
    except (KeyError, ValueError, TypeError):
        return name


def _label(verb: Verb, key: str, code: str) -> str:
    labels = verb.codes.get(key, ())
    return str(labels.get(code, code)) if isinstance(labels, Mapping) else code
