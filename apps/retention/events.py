"""What the ledger says of policies, holds and deadlines."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.consents.models import EndWarning
from apps.retention.labels import RULES
from apps.retention.models import ErasureRequirement, Restriction

POLICY_LOADED = declare(
    Verb(
        "policy.loaded",
        _("Policy version %(number)s drafted from a pack (%(rules)s rules)"),
        counts=("number", "rules"),
        commitments=("pack",),
    )
)
POLICY_SIGNED = declare(
    Verb(
        "policy.signed",
        _("Policy version %(number)s signed as %(role)s"),
        counts=("number",),
        codes={"role": {"dpo": _("DPO"), "recops": _("RecOps")}},
        commitments=("pack",),
    )
)
POLICY_ACTIVATED = declare(
    Verb(
        "policy.activated",
        _("Policy version %(number)s in force from %(active_from)s"),
        counts=("number", "periods"),
        dates=("active_from",),
        commitments=("pack",),
    )
)
POLICY_SUPERSEDED = declare(
    Verb(
        "policy.superseded",
        _("Earlier policy versions superseded (%(versions)s)"),
        counts=("versions",),
    )
)
_OVERRIDE_CODES = {
    "rule": RULES,
    "effect": {
        "off": _("switched off"),
        "within": _("within the ceiling of the pack"),
        "beyond": _("beyond the ceiling of the pack"),
    },
}
PERIOD_OVERRIDDEN = declare(
    Verb(
        "policy.overridden",
        _("Period overridden by the DPO from %(active_from)s: %(rule)s, %(effect)s"),
        refs=("override",),
        codes=_OVERRIDE_CODES,
        commitments=("reason",),
        dates=("active_from",),
    )
)
JOB_OVERRIDDEN = declare(
    Verb(
        "policy.job_overridden",
        _("Period overridden by the DPO for one job from %(active_from)s: %(rule)s, %(effect)s"),
        refs=("override",),
        codes=_OVERRIDE_CODES,
        commitments=("reason",),
        dates=("active_from",),
    )
)
VARIANT_CHOSEN = declare(
    Verb(
        "policy.variant_chosen",
        _("The DPO chose another reading of the law for a rule: %(rule)s"),
        refs=("choice",),
        codes={"rule": RULES},
        commitments=("reason",),
    )
)
GROUNDS_REFRESHED = declare(
    Verb(
        "grounds.refreshed",
        _("Deadlines worked out again (%(records)s records, %(written)s grounds written)"),
        counts=("records", "written"),
    )
)
HOLD_PLACED = declare(
    Verb(
        "hold.placed",
        _("Legal hold placed, to be reviewed on %(review_on)s"),
        refs=("hold", "subject"),
        dates=("review_on",),
        commitments=("reason",),
    )
)
HOLD_RELEASED = declare(Verb("hold.released", _("Legal hold released"), refs=("hold", "subject")))
HOLD_CASE_OPENED = declare(
    Verb(
        "hold.case_opened",
        _(
            "Legal hold %(number)s opened, to be reviewed on %(review_on)s: %(records)s records of "
            "%(people)s people held, %(late)s erasures too late to stop"
        ),
        counts=("number", "people", "records", "late"),
        dates=("review_on",),
        commitments=("matter", "reason"),
    )
)
HOLD_CASE_HOLDS = declare(
    Verb("hold.case_holds", _("Held by the query of a legal hold"), refs=("case",))
)
HOLD_CASE_REVIEWED = declare(
    Verb(
        "hold.case_reviewed",
        _("Legal hold %(number)s reviewed, to be looked at again on %(review_on)s"),
        refs=("owner",),
        counts=("number",),
        dates=("review_on",),
    )
)
HOLD_CASE_RELEASED = declare(
    Verb("hold.case_released", _("Legal hold %(number)s released"), counts=("number",))
)
MAPPING_CHANGED = declare(
    Verb(
        "mapping.changed",
        _(
            "Mapping of the connection changed: version %(version)s, %(words)s words, "
            "%(records)s records to be worked out again"
        ),
        counts=("version", "words", "records"),
        commitments=("mapping",),
    )
)
WARNINGS_QUEUED = declare(
    Verb(
        "warnings.queued",
        _("Warnings written before the end: %(people)s people, %(records)s records"),
        counts=("people", "records"),
    )
)
WARNED = declare(
    Verb("warning.sent", _("The candidate was warned of the coming end"), refs=("mail",))
)
WARNING_ANSWERED = declare(
    Verb(
        "warning.answered",
        _("The candidate answered the warning: %(answer)s"),
        refs=("mail",),
        codes={"answer": dict(EndWarning.Answer.choices)},
    )
)
OBJECTION_SETTLED = declare(
    Verb("objection.settled", _("The candidate’s objection was decided"), refs=("mail",))
)
RESTRICTION_PLACED = declare(
    Verb(
        "restriction.placed",
        _("Processing restricted (GDPR art. 18): %(ground)s"),
        refs=("restriction", "subject"),
        codes={"ground": dict(Restriction.Ground.choices)},
    )
)
RESTRICTION_LIFTED = declare(
    Verb(
        "restriction.lifted",
        _("Restriction lifted; the person was told on %(told_on)s"),
        refs=("restriction", "subject"),
        dates=("told_on",),
    )
)
ERASURE_REQUIRED = declare(
    Verb(
        "erasure.required",
        _("Erasure granted to the person: %(ground)s"),
        refs=("requirement", "subject"),
        codes={"ground": dict(ErasureRequirement.Ground.choices)},
        dates=("required_on",),
    )
)
ERASURE_CANCELLED = declare(
    Verb(
        "erasure.cancelled",
        _("Granted erasure cancelled: the records follow their rules again"),
        refs=("requirement", "subject"),
    )
)
