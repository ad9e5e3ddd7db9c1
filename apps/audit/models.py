"""Six tables that only grow. The database refuses the rest itself (migration 0002).

Nothing here belongs to a person, so nothing here is ever erased; no manager is scoped, because
one runner places and one command verifies for all; selectors ask for the scope before they show
an entry. Columns beside `body` are an index over it: what is shown comes from the body, and
verification compares the two.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.models import APPEND_ONLY, READ_ONLY

#: What the runtime role may call (core.grants): moving entries and publishing a checkpoint.
FUNCTIONS = (
    "audit_place(uuid, integer)",
    "audit_publish(uuid, bigint, bigint, bytea, text, integer[], bigint[], bytea[])",
)


class Log(models.Model):
    """One ledger: a controller's (same id) or the installation's (id 0)."""

    privileges: ClassVar[tuple[str, ...]] = APPEND_ONLY

    id = models.UUIDField(primary_key=True, editable=False)
    origin = models.TextField(unique=True)
    #: C2SP verifier key, for readers. Verification here trusts the key file, not this column.
    vkey = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.origin


class Continuation(models.Model):
    """A log that goes on under another name and key, as what was restored from a backup does: what
    was sealed under the old name after that backup may be known outside, and is not here."""

    privileges: ClassVar[tuple[str, ...]] = APPEND_ONLY

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="continuations")
    #: 2, 3, … in the log.
    number = models.PositiveIntegerField()
    #: Checkpoints of more entries than this are signed under this name.
    size = models.BigIntegerField()
    origin = models.TextField(unique=True)
    vkey = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "number"], name="audit_continued_once"),
        ]

    def __str__(self) -> str:
        return self.origin


class Pending(models.Model):
    """An entry written with its cause, not yet placed. No foreign key: its check would lock
    the log's row for every writer; `services` looks the log up once per connection."""

    privileges: ClassVar[tuple[str, ...]] = APPEND_ONLY

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(
        Log, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    verb = models.TextField()
    object_id = models.UUIDField(null=True)
    body = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["log", "id"], name="audit_pending_order")]

    def __str__(self) -> str:
        return f"{self.verb} (pending)"


class Entry(models.Model):
    """A placed entry. Only `audit_place` writes here, which has looked the log up."""

    privileges: ClassVar[tuple[str, ...]] = READ_ONLY

    pk = models.CompositePrimaryKey("log_id", "index")
    log = models.ForeignKey(
        Log, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    index = models.BigIntegerField()
    verb = models.TextField()
    object_id = models.UUIDField(null=True)
    body = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(
                fields=["object_id"],
                condition=Q(object_id__isnull=False),
                name="audit_entry_object",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} ({self.index})"


class Tile(models.Model):
    """Up to 256 hashes of one level of the tree (tiles.py)."""

    privileges: ClassVar[tuple[str, ...]] = READ_ONLY

    pk = models.CompositePrimaryKey("log_id", "level", "number")
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    level = models.SmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()

    def __str__(self) -> str:
        return f"tile/{self.level}/{self.number}"


class Checkpoint(models.Model):
    """A signed head of the log: the note is the proof, size and root are its index."""

    privileges: ClassVar[tuple[str, ...]] = READ_ONLY

    pk = models.CompositePrimaryKey("log_id", "size")
    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="+", db_index=False)
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.log_id} at {self.size}"
