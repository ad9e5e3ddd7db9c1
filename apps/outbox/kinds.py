"""Kinds of messages. A room above declares one: how it is rendered, and what follows from its end.

Declared once when the room is imported, like the verbs of the ledger, so that this room knows
none of its callers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from apps.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail at the moment it leaves. Never stored, logged or put into an exception."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    #: BCP 47, for the Content-Language header.
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A signed call at the moment it leaves (https://www.standardwebhooks.com). Never stored,
    logged or put into an exception. The newest secret is the first."""

    url: str = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class NotTaken(Exception):
    """What left was not taken, by a stable code. `final`: another try cannot help. `away`: who did
    not answer, so that nothing else for them would be taken now; empty: it is about this one."""

    def __init__(self, code: str, *, final: bool = False, away: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.final = final
        self.away = away


@dataclass(frozen=True, slots=True)
class Kind:
    """`render` gives what leaves, or the code of why it is not wanted any more. `ended` is called
    in the transaction that ends the message: delivered, dropped or failed, with the code."""

    name: str
    render: Callable[[UUID], Mail | Webhook | str]
    ended: Callable[[Actor, UUID, str, str], None]
    #: How it leaves: a mail waits while there is no mail server, and keeps no webhook waiting.
    by: Literal["mail", "webhook"] = "mail"


_kinds: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    """Raises ValueError for a name that is taken."""
    if kind.name in _kinds:
        raise ValueError(f"{kind.name} is declared already")
    _kinds[kind.name] = kind
    return kind


def find(name: str) -> Kind | None:
    return _kinds.get(name)


def by_mail() -> list[str]:
    return [kind.name for kind in _kinds.values() if kind.by == "mail"]
