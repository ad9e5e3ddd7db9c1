"""Codes and states in words, each with what to do next. Codes are stable; words are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.retention.rules import Reason

Words = str | Promise

#: What to do about a step that ended, or is under way.
STEPS: Mapping[str, Words] = {
    "planned": _("Waits for its turn."),
    "claimed": _("Being read again and decided again before anything is sent."),
    "sent": _("Sent; waiting to read it back."),
    "by_hand": _("This ATS has no call for it: a person erases the file there."),
    "verified": _("Nothing to do."),
    "stated": _("A person states that it is erased: nothing could be read back."),
    "archived": _("Nothing to do: the archive keeps what the rule allows, and ends by itself."),
    "residual": _(
        "The ATS still shows data: see the fields. Propose a new plan to try again, or remove "
        "them in the ATS by hand."
    ),
    "unverifiable": _(
        "No read shows these fields and the ATS has not confirmed them. Look in the ATS, then "
        "propose a new plan."
    ),
    "failed": _("Nothing is reported as erased. Solve the cause, then propose a new plan."),
    "manual": _("Nobody erased it by hand. Propose a new plan, or place a hold."),
    "stale": _("The file changed after the approval, so it was left alone. It is decided again."),
    "held": _("A legal hold protects this person. Nothing to do until it is released."),
    "cancelled": _("The plan was refused: the file is kept."),
}

#: Why a connection, a step or a message fails, and what to do.
CODES: Mapping[str, Words] = {
    "mail_server": _("The mail server does not take the message. It is tried again by itself."),
    "address_refused": _("The mail server refuses the address. Correct it where it comes from."),
    "plan_stopped": _("The rest of its plan was stopped, so the record was left alone."),
    "no_mail_server": _(
        "There is no mail server: your operator sets LETHE_MAIL_HOST. Until then, tell them "
        "yourself."
    ),
    "mail_returned": _(
        "A mail to them came back. Correct the address, then tell again those who wait; or tell "
        "them yourself."
    ),
    "webhook_host": _(
        "Their webhook's host is not allowed. Ask your operator to add it to LETHE_WEBHOOK_HOSTS."
    ),
    "webhook_away": _("Their webhook does not answer. It was tried for days: tell them yourself."),
    "webhook_fault": _("Their webhook has a fault. It was tried for days: tell them yourself."),
    "webhook_refused": _(
        "Their webhook refuses the call: it was tried for days. Give them a new secret, or tell "
        "them yourself."
    ),
    "webhook_gone": _("Their webhook is no more. Ask them for another address."),
    "archive_unreadable": _(
        "These fields of the archive could not be read, so nothing was erased. Give the "
        "credential the permission, or accept at the next approval that they are lost."
    ),
    "archive_unproven": _(
        "What was sealed for the archive could not be opened again, so nothing was erased."
    ),
    "not_archived": _("The ATS had lost the file already: there was nothing left to archive."),
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
    "internal": _(
        "Lethe itself stumbled over this record, so nothing is claimed about it. Tell your "
        "operator: the log names the place."
    ),
    "set_aside": _(
        "Workers stopped several times while they had this record. It was set aside, so that the "
        "others go on: look at the file in the ATS, and tell your operator."
    ),
    "merged": _(
        "The ATS merged this file into another one of the same person. That one is decided on its "
        "own; this one is looked for again once that one is erased."
    ),
    "by_hand": _("This kind of connection cannot erase: do it by hand in the ATS."),
}


def of_step(state: str, code: str = "") -> list[Words]:
    """The cause in words where one is known, then what to do."""
    return [words for words in (CODES.get(code), STEPS.get(state)) if words]


def of_code(code: str) -> Words:
    """Never empty: an unknown code is shown as it is, with whom to ask."""
    return CODES.get(code) or _("Cause “%(code)s”. Tell your operator.") % {"code": code}


@dataclass(frozen=True, slots=True)
class Missing:
    """Why nothing can be decided about some records, and what puts it right."""

    what: Words
    fix: Words


_MISSING: Mapping[Reason, Missing] = {
    Reason.NO_POLICY: Missing(
        _("no policy for their country"),
        _("Draft the policy of that country and have it signed, or correct the country."),
    ),
    Reason.NO_COUNTRY: Missing(
        _("the country is unknown"),
        _("Give the job its office in the ATS, or the connection its country."),
    ),
    Reason.NO_TRIGGER: Missing(
        _("the date a period runs from is missing"),
        _("Complete it in the ATS: each record says which. It is read again within minutes."),
    ),
    Reason.UNMAPPED: Missing(
        _("the state of an application is unknown"),
        _("Say what the words of that ATS mean, on the page of its connection."),
    ),
    Reason.NO_FACTS: Missing(
        _("no application and no consent"),
        _("Complete the file in the ATS, or delete it there if it is empty."),
    ),
    Reason.CONTRADICTION: Missing(
        _("an application ended before it was made"),
        _("Correct one of the two dates in the ATS. It is read again within minutes."),
    ),
    Reason.FUTURE: Missing(
        _("a date that has not come yet"),
        _("Correct the date in the ATS, unless it is right: then they are decided when it comes."),
    ),
    Reason.PERIOD: Missing(
        _("their only rule is switched off"),
        _("Sign a period for that rule, or handle them by hand."),
    ),
}


def missing(reason: Reason) -> Missing:
    return _MISSING.get(reason, Missing(reason.name.lower(), ""))
