"""Retention periods: versions of the policy, their signatures, what they would make due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts.models import Role
from apps.console import badges, figures, law
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import ActivationForm, OverrideForm, day_in
from apps.console.staff import StaffRequest
from apps.core.errors import Missing
from apps.retention import labels, packs, selectors, services
from apps.retention.models import Override, Policy


@dataclass(frozen=True, slots=True)
class Rule:
    key: str
    label: str
    trigger: str
    duration: str
    #: The pack's own period, when an override changed it; else empty.
    was: str
    ceiling: str
    sources: tuple[str, ...]
    by_hand: bool
    due: int
    #: What the pack says to whoever reads, signs or overrides this rule.
    notes: tuple[str, ...]


@staff_page()
def policies(request: StaffRequest) -> HttpResponse:
    """The version in force, or the newest one while none is."""
    rows = list(Policy.objects.order_by("-number"))
    active = next((row for row in rows if row.state == Policy.State.ACTIVE), None)
    shown = active or (rows[0] if rows else None)
    if shown is None:
        return page(request, "console/no_policy.html", {"packs": _packs()})
    return _show(request, shown)


@staff_page()
def policy(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    return _show(request, _policy(policy_id))


@staff_page("POST")
def load(request: StaffRequest) -> HttpResponse:
    made = services.load_policy(actor=request.staff.actor, pack=request.POST.get("pack", ""))
    messages.success(request, _("Drafted. It simulates only, until two people have signed it."))
    return redirect("console:policy", made.pk)


@staff_page("POST")
def sign(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    services.sign(actor=request.staff.actor, policy_id=policy_id)
    messages.success(request, _("Signed with your name and role."))
    return redirect("console:policy", policy_id)


@staff_page("POST")
def activate(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    form = ActivationForm(request.POST)
    done = attempt(
        form,
        lambda: services.activate(
            actor=request.staff.actor,
            policy_id=policy_id,
            active_from=day_in(form.cleaned_data, "active_from"),
        ),
    )
    if not done:
        return _show(request, _policy(policy_id), activation=form, status=422)
    messages.success(request, _("In force. Dates follow within a minute."))
    return redirect("console:policy", policy_id)


@staff_page("POST")
def override(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    found = _policy(policy_id)
    form = OverrideForm(request.POST, rules=_choices(found), auto_id="override_%s")
    done = attempt(
        form,
        lambda: services.override(
            actor=request.staff.actor,
            policy_id=policy_id,
            rule=form.cleaned_data["rule"],
            duration=form.cleaned_data["duration"],
            reason=form.cleaned_data["reason"],
        ),
    )
    if not done:
        return _show(request, found, overriding=form, status=422)
    messages.success(request, _("Override signed. Every date of this rule has changed with it."))
    return redirect("console:policy", policy_id)


def _policy(policy_id: UUID) -> Policy:
    found: Policy | None = Policy.objects.filter(pk=policy_id).first()
    if found is None:
        raise Missing("policy", _("There is no such policy version."))
    return found


def _show(
    request: StaffRequest,
    shown: Policy,
    *,
    activation: ActivationForm | None = None,
    overriding: OverrideForm | None = None,
    status: int = 200,
) -> HttpResponse:
    day = today(request)
    simulation = selectors.simulate(policy_id=shown.pk, as_of=day)
    other, changes = selectors.differences(shown.pk, as_of=day)
    signatures = list(shown.signatures.select_related("user").order_by("signed_at"))
    signed = request.staff.user.pk in {item.user_id for item in signatures}
    context = {
        "policy": shown,
        "badge": badges.of("policy", shown.state),
        "versions": Policy.objects.order_by("-number"),
        "rules": _rules(shown, simulation.by_rule),
        "simulation": simulation,
        "ahead": figures.bars(list(simulation.by_month.items())),
        "signatures": signatures,
        "dpo_missing": Role.DPO not in {item.role for item in signatures},
        "may_sign": request.staff.may_propose and not signed and shown.state == "drafted",
        "activation": activation or ActivationForm(initial={"active_from": day}),
        "overriding": overriding or OverrideForm(rules=_choices(shown), auto_id="override_%s"),
        "opened": bool(overriding),
        "packs": _packs(),
        "about": law.about(shown.about),
        "other": other if shown.state in {"drafted", "signed"} else None,
        "changes": law.changes(changes),
    }
    return page(request, "console/policies.html", context, status=status)


def _rules(shown: Policy, due: Mapping[str, int]) -> list[Rule]:
    changed = _overrides(shown)
    return [_rule(rule, changed.get(rule["rule"]), due) for rule in shown.rules]


def _rule(rule: Mapping[str, Any], changed: Override | None, due: Mapping[str, int]) -> Rule:
    return Rule(
        key=rule["rule"],
        label=labels.rule(rule["rule"]),
        trigger=labels.trigger(rule["trigger"]),
        duration=labels.duration(changed.duration if changed else rule["duration"]),
        was=labels.duration(rule["duration"]) if changed else "",
        ceiling=labels.duration(rule["ceiling"]),
        sources=tuple(rule["sources"]),
        by_hand=bool(rule["by_hand"]),
        due=due.get(rule["rule"], 0),
        notes=law.notes(rule),
    )


def _packs() -> list[tuple[str, str]]:
    return packs.titles(get_language() or "en")


def _overrides(shown: Policy) -> dict[str, Override]:
    """The last override of each rule: a later one replaces an earlier one."""
    return {item.rule: item for item in shown.overrides.order_by("signed_at")}


def _choices(shown: Policy) -> list[tuple[str, str]]:
    return [
        (rule["rule"], labels.rule(rule["rule"])) for rule in shown.rules if not rule["by_hand"]
    ]
