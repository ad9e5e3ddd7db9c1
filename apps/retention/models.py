from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped
from apps.retention.labels import REASONS
from apps.retention.rules import Reason
from apps.subjects.models import Application, Record, Subject


class Policy(Scoped):
    """One version of a controller's retention policy, resolved from a pack. Simulating only
    until a DPO and a second person have signed it; immutable from then on."""

    class State(models.TextChoices):
        DRAFTED = "drafted", _("draft")
        SIGNED = "signed", _("signed")
        ACTIVE = "active", _("in force")
        SUPERSEDED = "superseded", _("superseded")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    pack = models.CharField(max_length=32)
    pack_version = models.CharField(max_length=16)
    #: ISO 3166-1 alpha-2 jurisdiction the pack speaks for.
    country = models.CharField(max_length=2)
    #: 1, 2, 3… within the controller.
    number = models.PositiveIntegerField()
    #: SHA-256 of the YAML documents it was resolved from, and the resolved rules.
    digest = models.BinaryField(max_length=32)
    rules = models.JSONField()
    #: Status, confidence, points to verify, notices and sources of the pack, for the reader.
    about = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFTED)
    created_at = models.DateTimeField(db_default=Now())
    active_from = models.DateField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "number"], name="policy_number_once"),
        )

    def __str__(self) -> str:
        return f"{self.pack} {self.number}"


class Signature(Scoped):
    """A person signed a policy version. Two different people are needed, one of them a DPO."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="signatures")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["policy", "user"], name="signed_once_each"),)

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"


class Cell(Scoped):
    """Where a rule applies: controller, country, category, job. Small id: grounds point here.

    Made when a policy is activated, so that a case without a cell is a case without a policy.
    """

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows, joined
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2)
    category = models.CharField(max_length=32)
    #: Rule of the pack, with its phase: `rejected`, `rejected.archive`, `talent_pool`…
    rule = models.CharField(max_length=48)
    job = models.CharField(max_length=100, blank=True)
    trigger = models.CharField(max_length=48)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["controller", "country", "rule", "job"], name="cell_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.country} {self.rule}"


class Period(Scoped):
    """The period of a cell from a date on. Changing a period writes one row here.

    In force on a day: the row with the latest `active_from` not after it, then the latest id.
    `duration` is ISO 8601 (`P3M`); empty means switched off: the rule then neither keeps a
    record nor makes it due. Written only when a signed policy is activated, or overridden.
    """

    privileges = APPEND_ONLY

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows, joined
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="periods")
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")
    duration = models.CharField(max_length=16, blank=True)
    active_from = models.DateField()
    override = models.ForeignKey("Override", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.duration or "off"


class Override(Scoped):
    """A DPO's signed departure from the pack for one rule, with a reason and a date."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="overrides")
    rule = models.CharField(max_length=48)
    #: ISO 8601 period, or empty for "switched off".
    duration = models.CharField(max_length=16, blank=True)
    #: Sealed text under an instance key; its commitment is in the ledger.
    sealed_reason = models.BinaryField()
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.rule} {self.pk}"


class Ground(Scoped):
    """Why a record is kept: a rule and the date its period runs from.

    Nothing is materialised: the deadline is `anchor` + the period in force of the cell. An
    anchor of NULL has no end: an open application, or a fact that is missing (`reason` names
    it), so that nothing is ever due by absence.
    """

    Reason = Reason

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows, joined
    # No constraints and no cascades: these rows are derived. Only `refresh` writes them, from
    # the rows it joins, and takes them away when those are gone; the checks would cost more
    # than the rows (bench: refresh).
    controller = models.ForeignKey(
        Controller,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    record = models.ForeignKey(
        Record, on_delete=models.DO_NOTHING, related_name="grounds", db_constraint=False
    )
    application = models.ForeignKey(
        Application,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    cell = models.ForeignKey(
        Cell,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    #: Local date the period runs from; NULL: no end.
    anchor = models.DateField(null=True)
    reason = models.SmallIntegerField(
        choices=[(reason.value, REASONS[reason]) for reason in Reason],
        default=Reason.PERIOD.value,
    )
    #: Whether the ATS gives the anchor only approximately.
    approximate = models.BooleanField(default=False)
    #: The record's version these grounds were computed from.
    version = models.PositiveIntegerField()
    #: How many grounds the record has: the ended ones alone then tell whether another lives.
    total = models.PositiveSmallIntegerField()

    class Meta:
        indexes = (
            # Each row lies in at most one of these. `due` reads ranges of them and no table.
            models.Index(
                fields=["cell", "anchor"],
                include=["record", "version"],
                condition=models.Q(anchor__isnull=False, total=1),
                name="ground_due_alone",
            ),
            models.Index(
                fields=["cell", "anchor"],
                include=["record", "version", "total"],
                condition=models.Q(anchor__isnull=False, total__gt=1),
                name="ground_due_among",
            ),
            models.Index(
                fields=["controller"],
                condition=models.Q(reason=Reason.RESURRECTED.value),
                name="ground_resurrected",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reason} {self.pk}"


class Hold(Scoped):
    """A legal hold: beats every purge path until it is released (invariant 2)."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="holds")
    #: Sealed under the subject's key; the commitment is in the ledger.
    sealed_reason = models.BinaryField()
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField(db_default=Now())
    review_on = models.DateField()
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["subject"], condition=models.Q(released_at=None), name="hold_living"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
