from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, HashIndex
from django.db import models
from django.db.models.functions import Now

from apps.core.models import APPEND_ONLY, Base


class Epoch(Base):
    """A span of time whose key wraps the data keys of one controller's subjects.

    The key itself lies in a file (LETHE_KEYS_DIR/epochs), wrapped by the root key.
    """

    controller_id = models.UUIDField()
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    #: The day (UTC) on which it ends, fixed when it starts: certificates promise it.
    ends_on = models.DateField()
    #: The day (UTC) by whose end every copy of its key outside this house has expired, fixed when
    #: it starts; NULL: begun before there were copies.
    copies_until = models.DateField(null=True)
    #: From then on no data key is wrapped by it and its file is destroyed.
    destroyed_at = models.DateTimeField(null=True)
    #: Living keys that the next epoch took over: kept here so that a crash cannot lose the count.
    rewrapped = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller_id", "number"], name="epoch_once"),
        )

    def __str__(self) -> str:
        return f"{self.number}"


class SubjectKey(models.Model):
    """A subject's data key, wrapped. Deleting the row shreds the subject here and now; the
    end of the epoch shreds it in every backup."""

    subject_id = models.UUIDField(primary_key=True)
    controller_id = models.UUIDField()
    #: No index: millions of rows change their epoch at its end, which is cheap while no index holds
    #: what changes.
    epoch = models.ForeignKey(Epoch, on_delete=models.PROTECT, related_name="+", db_index=False)
    wrapped = models.BinaryField()

    class Meta:
        indexes = (models.Index(fields=["controller_id", "subject_id"], name="key_of_person"),)

    def __str__(self) -> str:
        return str(self.subject_id)


class BlindIndex(models.Model):
    """Keyed digest of an e-mail or phone: finds a subject without knowing who they are."""

    id = models.BigAutoField(primary_key=True)
    controller_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    #: Under the veil of the subject's epoch (crypto.veil); bare while `epoch` is NULL, as rows of
    #: before the veil are until their epoch ends. It names controller and kind too, and is found
    #: by a hash, whose entries are small and cheap to write anew.
    digest = models.BinaryField(max_length=48)
    epoch = models.ForeignKey(
        Epoch,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    subject_id = models.UUIDField()

    class Meta:
        indexes = (
            HashIndex(fields=["digest"], name="blind_digest"),
            models.Index(fields=["controller_id", "subject_id"], name="blind_of_person"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Tombstone(models.Model):
    """A remote id that was erased: recognised if it comes back. Keyed digest only."""

    id = models.BigAutoField(primary_key=True)
    controller_id = models.UUIDField()
    connection_id = models.UUIDField()
    remote_digest = models.BinaryField(max_length=32)
    record_id = models.UUIDField()
    erased_on = models.DateField()
    #: Its last day: it is personal data too, and has a period of its own.
    expires_on = models.DateField(null=True)

    class Meta:
        # They end in the order in which they came.
        indexes = (BrinIndex(fields=["expires_on"], name="tombstone_ends"),)
        constraints = (
            models.UniqueConstraint(
                fields=["connection_id", "remote_digest", "record_id"], name="tombstone_once"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Journal(models.Model):
    """Append-only: every shredding, so that a restored main database can be brought up to it."""

    privileges = APPEND_ONLY

    subject_id = models.UUIDField(primary_key=True)
    controller_id = models.UUIDField()
    epoch_id = models.UUIDField()
    #: The main database's number of this shredding, committed there before: a main database that
    #: has given out fewer was restored (erasure.replay). NULL: of before there were numbers.
    seq = models.BigIntegerField(null=True, db_index=True)
    shredded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)


class Copy(models.Model):
    """A copy of the key files that left this house, sealed under a key of its own, which is
    destroyed on its last day: from then on nobody opens it."""

    id = models.UUIDField(primary_key=True)
    made_at = models.DateTimeField(db_default=Now())
    #: Its last day (UTC).
    expires_on = models.DateField()
    #: Its key is destroyed since then.
    expired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)
