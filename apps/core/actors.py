"""Who does something: named in every write and in every ledger entry, by opaque id only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["user", "api_client", "system", "vendor"]


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    id: uuid.UUID


SYSTEM = Actor("system", uuid.UUID(int=0))
