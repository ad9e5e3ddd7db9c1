"""What the ledger says of policies, holds and deadlines."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.retention.labels import RULES

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
PERIOD_OVERRIDDEN = declare(
    Verb(
        "policy.overridden",
        _("Period overridden by the DPO from %(active_from)s: %(rule)s, %(effect)s"),
        refs=("override",),
        codes={
            "rule": RULES,
            "effect": {
                "off": _("switched off"),
                "within": _("within the ceiling of the pack"),
                "beyond": _("beyond the ceiling of the pack"),
            },
        },
        commitments=("reason",),
        dates=("active_from",),
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
