"""A certificate on paper: what the signed file says, in the reader's language (PDF/UA)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from apps.audit.models import Log
from apps.audit.origins import at as origin_at
from apps.audit.origins import of as origins_of
from apps.connectors.models import Connection
from apps.console import advice, words
from apps.core import pdf
from apps.erasure.models import Step
from apps.subjects.models import Disclosure

TEMPLATE: Final = Path(__file__).parent / "sheets" / "certificate.typ"
SCRIPT: Final = "verify_certificate.py"
_STATES: Final = dict(Step.State.choices)
_ACTIONS: Final = dict(Connection.Action.choices)
_TOLD: Final = dict(Disclosure.State.choices)
_FIELDS: Final = ("clean", "confirmed", "residue", "unread")


def sheet(
    note: str, *, title: str, file: str, entity: str, log: Log, people: dict[UUID, str]
) -> bytes:
    """The PDF of a signed certificate. `file`: the name under which it is downloaded; `entity`:
    the legal entity's name; `people`: the names of those who decided."""
    content = json.loads(note.splitlines()[1])
    data = {
        "language": translation.get_language() or "fr",
        "title": title,
        "lead": _("Issued by Lethe for %(name)s") % {"name": entity},
        "footer": f"{title} · {words.reference(UUID(content['controller']))}",
        "dates": _dates(content),
        "facts_title": _("What was decided"),
        "facts": _facts(content, people),
        "steps_title": _("Record by record"),
        "columns": [
            _("Record"),
            _("Outcome"),
            _("clean"),
            _("confirmed"),
            _("remaining"),
            _("not readable"),
        ],
        "steps": [_step(step) for step in content["steps"]],
        "columns_note": _(
            "Fields by what a reading of the ATS showed after the call: nothing left; erased by "
            "the ATS's own word; data still there; shown by no reading. The signed file names "
            "each field, what was asked and what was answered."
        ),
        "proof_title": _("How to check this without Lethe"),
        "proof": _(
            "This page is for people; the proof is the signed file. Any computer with Python "
            "checks it, offline, with the script below. Compare the key with one you have from "
            "somewhere else."
        ),
        "proof_lines": _proof(note, file, log),
    }
    return pdf.render(TEMPLATE, data)


def _dates(content: dict[str, Any]) -> list[dict[str, str]]:
    irreversible = content["irreversible"]
    by = irreversible["by"]
    kept = irreversible["keys_kept"]
    note = (
        _("No backup and no copy of a key opens after this day.")
        if by
        else _("No key was destroyed: these people have other records here.")
    )
    if by and kept:
        note += " " + _("%(count)d keep their key: other records here.") % {"count": kept}
    return [
        {
            "label": _("Effective"),
            "value": _moment(content["effective"]),
            "note": _("Erased in the ATS, read back, and erased here."),
        },
        {
            "label": _("Irreversible everywhere by"),
            "value": words.day(date.fromisoformat(by)) if by else "–",
            "note": note,
        },
    ]


def _facts(content: dict[str, Any], people: dict[UUID, str]) -> list[dict[str, str]]:
    outcomes: dict[str, int] = {}
    for step in content["steps"]:
        outcomes[step["outcome"]] = outcomes.get(step["outcome"], 0) + 1
    counted = " · ".join(
        _("%(what)s: %(count)d") % {"what": _STATES[state], "count": outcomes[state]}
        for state in Step.State.values
        if state in outcomes
    )
    facts = [(_("Records"), str(len(content["steps"]))), (_("Outcomes"), counted)]
    if "plan" in content:
        approver = content["approved_by"]
        name = people.get(UUID(approver), words.reference(UUID(approver))) if approver else "–"
        facts += [
            (_("Action in the ATS"), str(_ACTIONS.get(content["action"], content["action"]))),
            (_("Policy"), _("version %(number)s") % {"number": content["policy"]["number"]}),
            (_("Approved by"), name),
            (_("Approved at"), _moment(content["approved_at"])),
        ]
    facts += _recipients(content.get("recipients", []))
    return [{"label": label, "value": value} for label, value in facts]


def _recipients(told: list[dict[str, str]]) -> list[tuple[str, str]]:
    states = Counter(one["state"] for one in told)
    counted = " · ".join(
        _("%(what)s: %(count)d") % {"what": _TOLD[state], "count": states[state]}
        for state in Disclosure.State.values
        if state in states
    )
    return [(_("Recipients (GDPR art. 19)"), counted)] if counted else []


def _step(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": words.reference(UUID(step["record"])),
        "outcome": str(_STATES[step["outcome"]]),
        "why": str(advice.CODES.get(step["code"], "")),
        "counts": [len(step["fields"][name]) for name in _FIELDS],
    }


def _proof(note: str, file: str, log: Log) -> list[dict[str, str]]:
    lines: Sequence[tuple[str, str]] = (
        (_("The key of the ledger"), vkey(note, log)),
        (_("SHA-256 of the signed file"), hashlib.sha256(note.encode()).hexdigest()),
        (_("To check"), f'python3 {SCRIPT} {file} "{_("the key")}"'),
    )
    return [{"label": label, "value": value} for label, value in lines]


def vkey(note: str, log: Log) -> str:
    """The key that signed it: the one whose name stands in its last line."""
    name = note.rstrip("\n").rpartition("\n")[2].split(" ")[1]
    origins = origins_of(log)
    found = next((one for one in origins if one.name == name), None)
    return (found or origin_at(0, origins)).vkey


def _moment(value: str) -> str:
    local = timezone.localtime(datetime.fromisoformat(value))
    return _("%(day)s at %(time)s") % {
        "day": words.day(local.date()),
        "time": local.strftime("%H:%M"),
    }
