from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.connectors.models import Connection
from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped

#: The number of the next shredding, of a person or of an archive.
NEXT_SHREDDING = models.Func(
    template="nextval('subjects_shred_seq')", output_field=models.BigIntegerField()
)


class Subject(Scoped):
    """A person (the data subject). Every value about them is sealed under their own key."""

    class State(models.TextChoices):
        LIVING = "living", _("kept")
        SHREDDING = "shredding", _("being shredded")
        SHREDDED = "shredded", _("shredded")

    # Here and below, no index where another one serves or none would be asked: each is written
    # anew with every version of every row.
    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.LIVING)
    #: Found to be the same person as another subject; holds and consents count for both.
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="merged", db_index=False
    )
    #: Sealed canonical JSON: {"first": str, "last": str}, and lists of strings.
    sealed_name = models.BinaryField(null=True)
    sealed_emails = models.BinaryField(null=True)
    sealed_phones = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    shredded_at = models.DateTimeField(null=True)
    #: The number of their shredding, given when it begins: the keys' journal holds it too, so that
    #: a restored main database shows (erasure.replay).
    shred_seq = models.BigIntegerField(null=True, db_index=True)
    #: How many of the person's files the intermediate archive still keeps (erasure.archives):
    #: a hold can be placed for as long as there is one.
    archived = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = (
            models.Index(
                fields=["controller"],
                condition=models.Q(state="shredding"),
                name="subject_shredding",
            ),
            models.Index(
                fields=["merged_into"],
                condition=models.Q(merged_into__isnull=False),
                name="subject_merged",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Record(Scoped):
    """One ATS's file on one person."""

    class State(models.TextChoices):
        PRESENT = "present", _("in the ATS")
        #: The ATS no longer returns it although nobody here erased it.
        GONE = "gone", _("no longer in the ATS")
        ERASED = "erased", _("erased")
        #: Came back after its erasure without a new application: due at once.
        RESURRECTED = "resurrected", _("came back after erasure")

    class Origin(models.TextChoices):
        APPLIED = "applied", _("applied")
        SOURCED = "sourced", _("sourced")

    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="records")
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    #: Remote ids may be personal: found by keyed digest, read by unsealing. Both go with the
    #: erasure: the tombstone's digest lies with the keys.
    remote_digest = models.BinaryField(max_length=32)
    sealed_remote_id = models.BinaryField(null=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PRESENT)
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.APPLIED)
    #: Raised whenever a fact changes; a plan made for an older version falls.
    version = models.PositiveIntegerField(default=1)
    #: Local date the ATS first collected the data, and how far it can be trusted.
    collected_on = models.DateField(null=True)
    collected_quality = models.CharField(max_length=12, default="missing")
    talent_pool = models.BooleanField(default=False)
    #: Digest (keyed) of the facts last taken in, to tell a change from a repetition.
    fingerprint = models.BinaryField(max_length=32, default=bytes)
    #: The erasure step whose call with an effect was committed; while set, a hold is too late.
    sending_step = models.UUIDField(null=True)
    seen_at = models.DateTimeField(db_default=Now())
    #: When version or state last changed: written by a trigger, so that no writer forgets it.
    changed_at = models.DateTimeField(db_default=Now(), editable=False)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "remote_digest"],
                condition=~models.Q(state="erased"),
                name="record_of_remote_once",
            ),
        )
        indexes = (
            models.Index(fields=["controller", "state"], name="record_state"),
            models.Index(fields=["controller", "changed_at"], name="record_changed"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Standing(Scoped):
    """Where applications of a connection stand, in the ATS's own words: one row for each
    combination, which many applications share and which names nobody. What it means is said by
    the connection's mapping, so that another mapping changes no application.
    """

    privileges = APPEND_ONLY

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows, joined
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=200, blank=True)
    stage = models.CharField(max_length=200, blank=True)
    #: Why it ended.
    reason = models.CharField(max_length=200, blank=True)
    #: What the vendor's documents say it is (Application.state), and whether a recruiter made it.
    state = models.CharField(max_length=16)
    prospect = models.BooleanField(default=False)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["connection", "status", "stage", "reason", "state", "prospect"],
                name="standing_once",
            ),
        )

    def __str__(self) -> str:
        return " · ".join(word for word in (self.status, self.stage, self.reason) if word)


class Application(Scoped):
    """One application of a record: its state and its dates are what retention decides on."""

    class State(models.TextChoices):
        OPEN = "open", _("in process")
        REJECTED = "rejected", _("rejected")
        HIRED = "hired", _("hired")
        WITHDRAWN = "withdrawn", _("withdrawn by the candidate")
        CONVERTED = "converted", _("converted")
        UNKNOWN = "unknown", _("unknown state")

    controller = models.ForeignKey(
        Controller, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    record = models.ForeignKey(
        Record, on_delete=models.CASCADE, related_name="applications", db_index=False
    )
    remote_digest = models.BinaryField(max_length=32)
    #: What the vendor's documents say; the connection's mapping may say otherwise.
    state = models.CharField(max_length=16, choices=State.choices)
    prospect = models.BooleanField(default=False)
    #: None: taken in before standings were kept, or the ATS says no word about it.
    standing = models.ForeignKey(
        Standing, null=True, on_delete=models.PROTECT, related_name="applications"
    )
    #: The ATS's job id (not personal); empty: a spontaneous application.
    job = models.CharField(max_length=100, blank=True)
    #: Country of the establishment, ISO 3166-1 alpha-2; empty: unknown, so nothing is due.
    country = models.CharField(max_length=2, blank=True)
    #: Local dates of the establishment, each with exact | approximate | missing.
    applied_on = models.DateField(null=True)
    applied_quality = models.CharField(max_length=12, default="missing")
    closed_on = models.DateField(null=True)
    closed_quality = models.CharField(max_length=12, default="missing")
    rejected_notified_on = models.DateField(null=True)
    rejected_notified_quality = models.CharField(max_length=12, default="missing")
    hire_started_on = models.DateField(null=True)
    hire_started_quality = models.CharField(max_length=12, default="missing")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["record", "remote_digest"], name="application_of_record_once"
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Contact(Scoped):
    """A day the candidate was in touch. What the recruiter sends is no contact and has no kind."""

    privileges = APPEND_ONLY

    class Kind(models.TextChoices):
        REPLIED = "candidate.replied", _("the candidate replied")
        UPDATED = "profile.updated_by_candidate", _("the candidate updated the profile")
        INTERVIEWED = "interview.held", _("an interview was held")

    class Source(models.TextChoices):
        API = "api", _("API")
        CONSOLE = "console", _("console")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="contacts")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    source = models.CharField(max_length=16, choices=Source.choices)
    #: Local date of the establishment.
    happened_on = models.DateField()
    noted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Recipient(Scoped):
    """Somebody to whom candidates' data are disclosed (art. 4(9)), and how they are told of an
    erasure (art. 19)."""

    class Channel(models.TextChoices):
        WEBHOOK = "webhook", _("signed webhook")
        MAIL = "mail", _("e-mail")
        HAND = "hand", _("by a person")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    #: A URL, an e-mail address, or where a person reaches them.
    address = models.CharField(max_length=300)
    #: Sealed canonical JSON: the webhook's secrets, the newest first.
    sealed_secrets = models.BinaryField(null=True)
    #: Stable code of why the last message did not arrive; empty while they do.
    failure = models.CharField(max_length=32, blank=True)
    added_at = models.DateTimeField(db_default=Now())
    #: Nothing is disclosed to them any more; who was is still told.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "name"], name="recipient_once"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Disclosure(Scoped):
    """A person's data went to a recipient, who knows them by a reference of their own. When the
    person is erased the recipient is told by that reference, before the key goes (telling.py)."""

    class State(models.TextChoices):
        RECORDED = "recorded", _("recorded")
        TELLING = "telling", _("being told")
        BY_HAND = "by_hand", _("to be told by a person")
        #: The recipient's own server said that it has it.
        TOLD = "told", _("told")
        #: A mail server took it; whether anybody has it no server says.
        MAILED = "mailed", _("sent by e-mail, not acknowledged")
        STATED = "stated", _("told, as a person states")
        EXEMPT = "exempt", _("not told: impossible or disproportionate")
        RETURNED = "returned", _("not told: the mail came back")
        LAPSED = "lapsed", _("not told in time")
        #: Settled before a restore, whose backup does not know how.
        UNKNOWN = "unknown", _("unknown since a restore")

    class Source(models.TextChoices):
        API = "api", _("API")
        CONSOLE = "console", _("console")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="disclosures")
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="disclosures")
    #: Sealed text under the subject's key; NULL once it is shredded.
    sealed_reference = models.BinaryField(null=True)
    #: Local date of the establishment.
    disclosed_on = models.DateField()
    source = models.CharField(max_length=16, choices=Source.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECORDED)
    #: Stable code of why a person is needed, or of the ground of an exemption.
    code = models.CharField(max_length=32, blank=True)
    #: The key waits for the telling until then.
    tell_by = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    #: Who states it; NULL: nobody had to.
    settled_by = models.UUIDField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["subject"], name="disclosure_of_subject"),
            models.Index(
                fields=["controller", "tell_by"],
                condition=models.Q(state__in=["telling", "by_hand"]),
                name="disclosure_open",
            ),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Tally(Scoped):
    """What stays of erased applications: how many, by one thing at a time and how they ended. No
    row of anybody's (tallies.py); what is shown of it is protected first (suppression.py)."""

    class Dimension(models.TextChoices):
        JOB = "job", _("Job")
        REGION = "region", _("Region")
        SOURCE = "source", _("Source")
        STAGE = "stage", _("Stage")
        DECISION = "decision", _("Time to decision")

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]  # narrow rows, counted up
    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    #: First day of the month of the erasure, by the legal entity's calendar.
    month = models.DateField()
    dimension = models.CharField(max_length=16, choices=Dimension.choices)
    #: The ATS's job id or stage, a country, an origin, or a span of days; empty: unknown.
    value = models.CharField(max_length=200, blank=True)
    #: Application.state.
    outcome = models.CharField(max_length=16)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["controller", "month", "dimension", "value", "outcome"], name="tally_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.month} {self.dimension}"


class Change(models.Model):
    """A record whose facts are newer than its grounds: written with the facts, taken by refresh.

    Level-triggered: presence says "look again", nothing is lost when a worker dies. A record is
    never removed, so that no constraint need look for it again, row by row.
    """

    record = models.OneToOneField(
        Record,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    controller = models.ForeignKey(
        Controller,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
    )

    def __str__(self) -> str:
        return str(self.record_id)
