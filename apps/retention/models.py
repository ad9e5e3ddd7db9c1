from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped
from apps.retention.rules import AT_ONCE, Reason
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
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
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
    #: The ATS's job id when the job has a period of its own; empty: every other job.
    job = models.CharField(max_length=100, blank=True)
    trigger = models.CharField(max_length=48)
    #: An accepted erasure does not end it (GDPR art. 17(3)(b) or (e)).
    outlives = models.BooleanField(default=False)

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
    #: The ATS's job id, when it departs for one job only.
    job = models.CharField(max_length=100, blank=True)
    #: ISO 8601 period, or empty for "switched off".
    duration = models.CharField(max_length=16, blank=True)
    #: Sealed text under an instance key; its commitment is in the ledger.
    sealed_reason = models.BinaryField()
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.rule} {self.pk}"


class VariantChoice(Scoped):
    """Another reading of the law than the pack's own, chosen by a DPO for one rule of a draft."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="choices")
    rule = models.CharField(max_length=48)
    #: Id of the variant in the pack.
    variant = models.CharField(max_length=48)
    #: Sealed text under an instance key; its commitment is in the ledger.
    sealed_reason = models.BinaryField()
    chosen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["policy", "rule"], name="one_variant_a_rule"),
        )

    def __str__(self) -> str:
        return f"{self.rule} {self.variant}"


class Mapping(Scoped):
    """What the words of a connection's ATS mean (meanings.py), in versions: the last one counts.
    An edit writes another row here and none anywhere else."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    #: 1, 2, 3… within the connection.
    version = models.PositiveIntegerField()
    #: [kind, word, meaning] of every word that was mapped.
    entries = models.JSONField(default=list)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["connection", "version"], name="mapping_version_once"),
        )

    def __str__(self) -> str:
        return f"{self.version} {self.connection_id}"


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
    #: One of rules.Reason.
    reason = models.SmallIntegerField(default=Reason.PERIOD.value)
    #: Whether the ATS gives the anchor only approximately.
    approximate = models.BooleanField(default=False)
    #: The record's version these grounds were computed from.
    version = models.PositiveIntegerField()
    #: How many grounds the record has: the ended ones alone then tell whether another lives.
    total = models.PositiveSmallIntegerField()
    #: Of two grounds, where the rule of the other applies and what it runs from, so that a pair
    #: is judged without looking for the other. NULL with any other number.
    other_cell = models.BigIntegerField(null=True)
    other_anchor = models.DateField(null=True)

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
                include=["record", "version", "total", "other_cell", "other_anchor"],
                condition=models.Q(anchor__isnull=False, total__gt=1),
                name="ground_due_among",
            ),
            models.Index(
                fields=["controller"],
                condition=models.Q(reason__in=[one.value for one in sorted(AT_ONCE)]),
                name="ground_at_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.reason} {self.pk}"


class HoldCase(Scoped):
    """A legal hold as a case: why, for whom, who looks after it, when it is looked at again.

    It holds persons by name (Hold) and, with `by_query`, whoever meets the criteria at any
    moment (hold_rules.py): newcomers are held as they come.
    """

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    #: Sealed texts under an instance key, their commitments in the ledger. Empty for a case about
    #: one person: what there is to say stands in the hold, under that person's key.
    sealed_matter = models.BinaryField()
    sealed_reason = models.BinaryField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    review_on = models.DateField()
    by_query = models.BooleanField(default=False)
    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.PROTECT, related_name="+"
    )
    countries = ArrayField(models.CharField(max_length=2), default=list)
    jobs = ArrayField(models.CharField(max_length=100), default=list)
    states = ArrayField(models.CharField(max_length=16), default=list)
    applied_from = models.DateField(null=True)
    applied_until = models.DateField(null=True)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now())
    released_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "number"], name="one_case_a_number"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Hold(Scoped):
    """A person held by a case: beats every purge path until it is released (invariant 2)."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(HoldCase, on_delete=models.PROTECT, related_name="holds")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="holds")
    #: Sealed under the subject's key, the commitment in the ledger; empty where the case says it.
    sealed_reason = models.BinaryField()
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(db_default=Now())
    released_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["subject"], condition=models.Q(released_at=None), name="hold_living"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Restriction(Scoped):
    """Processing restricted at a person's word (GDPR art. 18): erasure waits until it is lifted."""

    class Ground(models.TextChoices):
        UNLAWFUL = "unlawful", _("the processing is unlawful and the person opposes erasure")
        CLAIMS = "claims", _("the person needs the data for legal claims")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="restrictions")
    #: Art. 18(1)(b) or (c). Under (a) and (d) nothing is erased by a period sooner or later.
    ground = models.CharField(max_length=16, choices=Ground.choices)
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(db_default=Now())
    #: The day the person was told that it would be lifted (art. 18(3)).
    told_on = models.DateField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["subject"], condition=models.Q(lifted_at=None), name="restriction_living"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class ErasureRequirement(Scoped):
    """A request for erasure that a person decided to grant (GDPR art. 17(1))."""

    class Ground(models.TextChoices):
        NOT_NEEDED = "not_needed", _("the data are no longer needed (art. 17(1)(a))")
        CONSENT_WITHDRAWN = "consent_withdrawn", _("the consent was withdrawn (art. 17(1)(b))")
        OBJECTION = "objection", _("the person objects (art. 17(1)(c))")
        UNLAWFUL = "unlawful", _("the processing was unlawful (art. 17(1)(d))")
        LEGAL_OBLIGATION = "legal_obligation", _("a law demands the erasure (art. 17(1)(e))")
        CHILD = "child", _("the data of a child (art. 17(1)(f))")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(
        Subject, on_delete=models.PROTECT, related_name="erasure_requirements"
    )
    ground = models.CharField(max_length=20, choices=Ground.choices)
    #: What the person does after this local day is not covered: a new application stands.
    required_on = models.DateField()
    required_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    required_at = models.DateTimeField(db_default=Now())
    cancelled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["subject"],
                condition=models.Q(cancelled_at=None),
                name="requirement_living",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)
