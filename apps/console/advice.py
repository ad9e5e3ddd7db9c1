"""Codes and states in words, each with what to do next. Codes are stable; words are ours."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise

#: What to do about a step that ended, or is under way.
STEPS: Mapping[str, Words] = {
    "planned": _("Waits for its turn."),
    "claimed": _("Being read again and decided again before anything is sent."),
    "sent": _("Sent; waiting to read it back."),
    "verified": _("Nothing to do."),
    "residual": _(
        "The ATS still shows data: see the fields. Propose a new plan to try again, or remove "
        "them in the ATS by hand."
    ),
    "unverifiable": _(
        "No read shows these fields and the ATS has not confirmed them. Look in the ATS, then "
        "propose a new plan."
    ),
    "failed": _("Nothing is reported as erased. Solve the cause, then propose a new plan."),
    "manual": _("Lethe cannot do this through the ATS. Erase the file there by hand."),
    "stale": _("The file changed after the approval, so it was left alone. It is decided again."),
    "held": _("A legal hold protects this person. Nothing to do until it is released."),
    "cancelled": _("The plan was refused: the file is kept."),
}

#: Why a connection or a step fails, and what to do.
CODES: Mapping[str, Words] = {
    "outcome_unknown": _(
        "The connection broke during the call: it is read again before any second call."
    ),
    "host_refused": _("This address is not allowed. Ask your operator to allow the ATS's host."),
    "unreachable": _("The ATS does not answer. It is tried again by itself."),
    "timed_out": _("The ATS answers too slowly. It is tried again by itself."),
    "redirected": _("The ATS answers from another address. Check the address of the connection."),
    "unauthorized": _(
        "The ATS refuses the credential. Make a new one there; your operator enters it with "
        "manage.py change_credentials."
    ),
    "forbidden": _("A permission is missing in the ATS. Add it to the credential."),
    "not_found": _("The ATS does not know this address. Check the address of the connection."),
    "rejected": _("The ATS refuses the request. Look at the file in the ATS."),
    "rate_limited": _("The ATS asks us to wait. It goes on by itself."),
    "vendor_error": _("The ATS has a fault. It is tried again by itself."),
    "malformed": _("The ATS answers something its documentation does not say. Tell your operator."),
    "too_large": _("The ATS's answer is too large to be read safely. Tell your operator."),
    "by_hand": _("This kind of connection cannot erase: do it by hand in the ATS."),
}


def of_step(state: str, code: str = "") -> list[Words]:
    """The cause in words where one is known, then what to do."""
    return [words for words in (CODES.get(code), STEPS.get(state)) if words]


def of_code(code: str) -> Words:
    """Never empty: an unknown code is shown as it is, with whom to ask."""
    return CODES.get(code) or _("Cause “%(code)s”. Tell your operator.") % {"code": code}
