from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Base, Scoped
from apps.retention.models import Cell, Policy
from apps.subjects.models import Record, Subject


class Restore(Base):
    """This main database came out of a backup: nothing is answered until what was erased since is
    erased here too (replay.py)."""

    restored_at = models.DateTimeField(db_default=Now())
    replayed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class Plan(Scoped):
    """A frozen list of steps on one connection, proposed to a person for approval."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("waiting for approval")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        FINISHED = "finished", _("finished")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    #: 1, 2, 3… within the controller, for people to name it.
    number = models.PositiveIntegerField()
    action = models.CharField(max_length=16, choices=Connection.Action.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField(db_default=Now())
    #: NULL: proposed by Lethe itself or by a machine.
    proposed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    as_of = models.DateField()
    #: Fields of the archive's profile that the DPO who approved knows cannot be read.
    accepts_unreadable = models.JSONField(default=list)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    #: No effect before this instant: until then the plan can be called back.
    grace_until = models.DateTimeField(null=True)
    #: Nothing more of it is sent since then, whatever its steps wait for.
    stopped_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "number"], name="plan_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.number}"


class Step(Scoped):
    """One record to erase. The row is the queue: state, lease and attempt are the truth."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        CLAIMED = "claimed", _("being prepared")
        SENT = "sent", _("sent to the ATS")
        BY_HAND = "by_hand", _("waits for a person")
        VERIFIED = "verified", _("erased and verified")
        ARCHIVED = "archived", _("archived, erased and verified")
        STATED = "stated", _("erased by hand, as a person stated")
        RESIDUAL = "residual", _("data remain")
        UNVERIFIABLE = "unverifiable", _("cannot be verified")
        FAILED = "failed", _("failed")
        MANUAL = "manual", _("not done by hand")
        STALE = "stale", _("changed since approval")
        HELD = "held", _("under a legal hold")
        CANCELLED = "cancelled", _("cancelled")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="steps")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="steps")
    record_version = models.PositiveIntegerField()
    #: The deciding ground when planned: its rule and the day after which it was due.
    rule = models.CharField(max_length=48)
    due_on = models.DateField()
    #: It goes to the intermediate archive, where `rule` keeps it, before the ATS forgets it.
    to_archive = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PLANNED)
    #: Stable code of why (never a vendor's text).
    code = models.CharField(max_length=64, blank=True)
    #: Fencing token: a worker whose attempt is not this one writes nothing.
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    #: Errors of this record in a row, and workers that died with it: after some it is set aside.
    errors = models.PositiveSmallIntegerField(default=0)
    #: How many calls with an effect were committed as `sent`.
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    #: What the last call asked for, by the vendor's names of fields, and the status it answered
    #: with; NULL: no answer came.
    asked = models.JSONField(default=list)
    answered = models.PositiveSmallIntegerField(null=True)
    #: Names of fields by what the read-back showed: never their values.
    clean = models.JSONField(default=list)
    residue = models.JSONField(default=list)
    confirmed = models.JSONField(default=list)
    unread = models.JSONField(default=list)
    #: The file into which the ATS merged this one: it is erased with that one, not before.
    follows = models.ForeignKey(Record, null=True, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["plan", "record"], name="step_of_record_once"),
            models.UniqueConstraint(
                fields=["record"],
                condition=models.Q(state__in=["planned", "claimed", "sent", "by_hand"]),
                name="one_living_step_a_record",
            ),
        )
        indexes = (
            models.Index(
                fields=["plan", "state"],
                condition=models.Q(state__in=["planned", "claimed", "sent", "by_hand"]),
                name="step_living",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Obstacle(Scoped):
    """Why a connection cannot erase for now (obstacles.py): one row while it lasts."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.OneToOneField(Connection, on_delete=models.PROTECT, related_name="+")
    #: Stable code (never a vendor's text).
    code = models.CharField(max_length=64)
    #: Only calls with an effect are refused: readings go on.
    writing = models.BooleanField(default=False)
    since = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    look_again_at = models.DateTimeField()
    #: It lasts, so that people are told; what passes at once they are not.
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.code


class DayTally(Scoped):
    """How many records of a connection were sent to their erasure on a local day (gates.py)."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # a row a day
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    sent = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["connection", "day"], name="tally_of_a_day_once"),
        )

    def __str__(self) -> str:
        return str(self.day)


class Evidence(Scoped):
    """What was read before and after a step: salted commitments, times, request. No values."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=8)  # before | after
    commitment = models.BinaryField(max_length=32)
    #: Sealed under the subject's key: shredded with it, after which nothing can be tested.
    sealed_salt = models.BinaryField()
    request_id = models.CharField(max_length=100, blank=True)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Statement(Scoped):
    """What a named person states about an erasure by hand, where nothing can be read back."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    step = models.OneToOneField(Step, on_delete=models.PROTECT, related_name="statement")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    #: Sealed text under an instance key; its commitment is in the ledger and the certificate.
    sealed_text = models.BinaryField()
    commitment = models.BinaryField(max_length=32)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)


class Certificate(Scoped):
    """The signed account of a finished plan: canonical JSON and an Ed25519 signature."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="certificate")
    #: A C2SP signed note whose text is the canonical JSON.
    note = models.TextField()
    issued_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)


class SubjectCertificate(Scoped):
    """The same for one person, over all of their records: once their key is destroyed."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="certificate")
    note = models.TextField()
    issued_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)


class Archive(Scoped):
    """What the intermediate archive keeps of a record after its ATS forgot it, under a key of its
    own. Only an archive reader opens it, with a reason (archives.py)."""

    class State(models.TextChoices):
        #: Sealed, opened once and compared; the record may still be in the ATS.
        SEALED = "sealed", _("sealed")
        KEPT = "kept", _("kept")
        #: The row says so first, then the key is destroyed, then the last state is written.
        DISCARDING = "discarding", _("being discarded")
        DISCARDED = "discarded", _("discarded")
        DISPOSING = "disposing", _("being disposed of")
        DISPOSED = "disposed", _("disposed of")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    #: The step that sealed it.
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="archives")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="archives")
    #: Only an id once the person's own key is gone: holds still find it.
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="archives")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.SEALED)
    profile = models.CharField(max_length=32)
    #: Field of the profile → archived | absent | unreadable.
    fields = models.JSONField(default=dict)
    #: Canonical JSON, and the salt of its commitment, under the archive's key; both go with it.
    sealed_content = models.BinaryField(null=True)
    sealed_salt = models.BinaryField(null=True)
    commitment = models.BinaryField(max_length=32)
    #: What a hold's query asks of applications: [job, country, state, applied_on].
    applications = models.JSONField(default=list)
    sealed_at = models.DateTimeField(db_default=Now())
    kept_at = models.DateTimeField(null=True)
    #: Past its end since then; disposed of when it still is after the time to call it back.
    ending_since = models.DateTimeField(null=True)
    disposed_at = models.DateTimeField(null=True)
    #: The number of its key's destruction (Subject.shred_seq), given when it begins.
    shred_seq = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record"],
                condition=models.Q(state__in=["sealed", "kept"]),
                name="one_living_archive_a_record",
            ),
        )
        indexes = (models.Index(fields=["controller", "state"], name="archive_state"),)

    def __str__(self) -> str:
        return str(self.pk)


class ArchiveGround(Scoped):
    """Why an archive is kept: a cell of an archive phase and the date its period runs from. The
    end is read, never stored, so that a change of period reaches what is archived too."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="grounds")
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="+")
    anchor = models.DateField()

    class Meta:
        indexes = (models.Index(fields=["cell", "anchor"], name="archive_ground_range"),)

    def __str__(self) -> str:
        return str(self.pk)


class ArchiveReading(Scoped):
    """Somebody opened an archive, and why."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    archive = models.ForeignKey(Archive, on_delete=models.PROTECT, related_name="readings")
    reader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    #: Sealed text under an instance key; its commitment is in the ledger.
    sealed_reason = models.BinaryField()
    exported = models.BooleanField(default=False)
    read_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.pk)
