"""Who does something: named in every write and in every ledger entry, by opaque id only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

#: `subject`: a candidate, on the page that their own link opens.
ActorKind = Literal["user", "api_client", "system", "vendor", "subject"]


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    id: uuid.UUID


SYSTEM = Actor("system", uuid.UUID(int=0))
