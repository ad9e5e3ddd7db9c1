"""What the ledger says of plans and steps."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.connectors.errors import CODES
from apps.connectors.models import Connection

_FIELDS = ("clean", "residue", "confirmed", "unread")

#: What may be in the way of a connection; `other` is a cause of Lethe's own, such as a key.
OBSTACLES = tuple(sorted(CODES | {"other"}))

PLAN_PROPOSED = declare(
    Verb(
        "plan.proposed",
        _("Erasure plan proposed: %(steps)s records"),
        refs=("connection", "policy"),
        counts=("steps",),
        commitments=("records",),
        dates=("as_of",),
    )
)
PLAN_APPROVED = declare(
    Verb(
        "plan.approved",
        _("Erasure plan approved: %(steps)s records"),
        counts=("steps", "grace_seconds"),
        commitments=("records",),
    )
)
PLAN_REFUSED = declare(
    Verb("plan.refused", _("Erasure plan refused: %(steps)s records kept"), counts=("steps",))
)
PLAN_POSTPONED = declare(
    Verb(
        "plan.postponed",
        _("Erasure plan postponed to %(until)s: %(steps)s records"),
        counts=("steps",),
        dates=("until",),
    )
)
BRAKES_SET = declare(
    Verb(
        "brakes.set",
        _(
            "Brakes set: %(most_per_run)s records a plan, %(most_percent)s in a hundred, "
            "%(most_per_day)s a day; up to %(alone_up_to)s by one person"
        ),
        counts=(
            "most_per_run",
            "most_percent",
            "most_per_day",
            "alone_up_to",
            "from_minute",
            "until_minute",
            "weekdays",
        ),
    )
)
PLAN_CALLED_BACK = declare(
    Verb(
        "plan.called_back",
        _("Erasure plan called back before it began: %(steps)s records"),
        counts=("steps",),
    )
)
PLAN_STOPPED = declare(
    Verb(
        "plan.stopped",
        _("The rest of an erasure plan was stopped: %(steps)s records kept"),
        counts=("steps",),
    )
)
PLAN_FINISHED = declare(
    Verb(
        "plan.finished",
        _("Erasure plan finished: %(verified)s of %(steps)s erased and verified"),
        counts=("steps", "verified"),
        commitments=("certificate",),
    )
)
CERTIFICATE_ISSUED = declare(
    Verb(
        "certificate.issued",
        _("Certificate of a person's erasure issued: %(records)s records"),
        counts=("records",),
        commitments=("certificate",),
    )
)
STEP_SENT = declare(
    Verb(
        "step.sent",
        _("Erasure sent to the ATS (%(action)s)"),
        refs=("plan", "step", "policy"),
        codes={"action": dict(Connection.Action.choices)},
        counts=("send",),
        commitments=("before",),
    )
)

STEP_PUT_BACK = declare(
    Verb(
        "step.put_back",
        _("The ATS refused the call (%(code)s): nothing was erased, it waits"),
        refs=("plan", "step"),
        codes={"code": OBSTACLES},
    )
)
BY_HAND = declare(
    Verb(
        "step.by_hand",
        _("Waits for a person: this ATS has no call for it"),
        refs=("plan", "step"),
    )
)
BEGUN_BY_HAND = declare(
    Verb(
        "step.begun_by_hand",
        _("A person begins to erase it by hand: a hold is too late now"),
        refs=("plan", "step", "policy"),
        commitments=("before",),
    )
)
STATED = declare(
    Verb(
        "step.stated",
        _("Erased by hand, as a named person states: nothing could be read back"),
        refs=("plan", "step", "policy", "statement"),
        counts=("fields",),
        commitments=("text",),
    )
)
BLOCKED = declare(
    Verb(
        "erasure.blocked",
        _("Erasures of a connection wait (%(code)s)"),
        codes={"code": OBSTACLES},
    )
)
UNBLOCKED = declare(Verb("erasure.unblocked", _("Erasures of a connection go on")))
LOOKED_AGAIN = declare(Verb("erasure.looked_again", _("Asked to try the connection again at once")))


def _ended(state: str, sentence: object) -> Verb:
    return declare(
        Verb(
            f"step.{state}",
            sentence,  # type: ignore[arg-type]  # a lazy translation
            refs=("plan", "step", "policy"),
            counts=_FIELDS,
            commitments=("after",),
        )
    )


STEP_ENDED = {
    "verified": _ended("verified", _("Erased, read back and verified")),
    "archived": _ended(
        "archived", _("Archived, erased, read back and verified: only the archive keeps it")
    ),
    "residual": _ended("residual", _("Read back: %(residue)s fields still hold data")),
    "unverifiable": _ended(
        "unverifiable", _("Cannot be verified: %(unread)s fields that nothing shows")
    ),
    "failed": _ended("failed", _("Erasure failed: nothing is reported as erased")),
    "manual": _ended("manual", _("Not done by hand: nothing is reported as erased")),
    "stale": _ended("stale", _("Not erased: something changed since the approval")),
    "held": _ended("held", _("Not erased: a legal hold was placed")),
}

ARCHIVE_SEALED = declare(
    Verb(
        "archive.sealed",
        _(
            "Sealed for the archive: %(archived)s fields, %(absent)s absent, "
            "%(unreadable)s unreadable"
        ),
        refs=("archive", "step", "policy"),
        counts=("archived", "absent", "unreadable"),
        commitments=("content",),
    )
)
ARCHIVE_DISCARDED = declare(
    Verb(
        "archive.discarded",
        _("Copy for the archive discarded: the record stays in the ATS"),
        refs=("archive", "step"),
    )
)
ARCHIVE_OPENED = declare(
    Verb(
        "archive.opened",
        _("Archive opened, with a reason"),
        refs=("archive", "reading"),
        commitments=("reason",),
    )
)
ARCHIVE_EXPORTED = declare(
    Verb(
        "archive.exported",
        _("Archive exported by the DPO, with a reason"),
        refs=("archive", "reading"),
        commitments=("reason",),
    )
)
ARCHIVE_DISPOSED = declare(
    Verb(
        "archive.disposed",
        _("Archive disposed of: its key is destroyed"),
        refs=("archive", "epoch"),
    )
)
ARCHIVE_REPLAYED = declare(
    Verb(
        "archive.replayed",
        _("Restored from a backup, though disposed of since: disposed of here too"),
        refs=("archive",),
    )
)
REPLAYED = declare(
    Verb(
        "erasure.replayed",
        _(
            "Service restored from a backup: %(people)s people and %(archives)s archives erased "
            "again, %(forgotten)s unknown keys destroyed; all erasures are stopped"
        ),
        counts=("people", "archives", "forgotten"),
    )
)
BACKUP_MADE = declare(
    Verb(
        "backup.made",
        _("Backup made; its copy of the keys opens until %(until)s"),
        refs=("copy",),
        dates=("until",),
    )
)
COPY_EXPIRED = declare(
    Verb(
        "backup.copy_expired",
        _("A copy of the keys expired: nobody opens it any more"),
        refs=("copy",),
    )
)
ROOT_ROTATED = declare(
    Verb(
        "root.rotated",
        _("Another root key: %(files)s key files wrapped anew"),
        counts=("files",),
    )
)
ROOT_FORGOTTEN = declare(
    Verb("root.forgotten", _("%(keys)s old root keys forgotten"), counts=("keys",))
)
