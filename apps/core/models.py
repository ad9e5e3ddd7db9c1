"""Base rows. Ids are ours and opaque; scoped rows belong to one controller."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from apps.core.ids import new_id
from apps.core.scope import ScopedManager

ALL_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
APPEND_ONLY = ("SELECT", "INSERT")
READ_ONLY = ("SELECT",)


class Base(models.Model):
    #: What the runtime role may do with the table (core.grants).
    privileges: ClassVar[tuple[str, ...]] = ALL_PRIVILEGES

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


class Scoped(Base):
    """A concrete class declares `controller`, a foreign key to the legal entity."""

    objects = ScopedManager()

    class Meta:
        abstract = True
