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
from apps.console import badges, law
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import ActivationForm, OverrideForm, VariantForm, day_in
from apps.console.staff import StaffRequest
from apps.core.errors import Missing
from apps.retention import labels, packs, selectors, services, simulating
from apps.retention.models import Override, Policy


@dataclass(frozen=True, slots=True)
class Rule:
    key: str
    label: str
    trigger: str
    duration: str
    #: The pack's own period, when an override changed it; else empty.
    was: str
    #: Jobs with a period of their own.
    jobs: tuple[tuple[str, str], ...]
    ceiling: str
    sources: tuple[str, ...]
    by_hand: bool
    #: None: not known without a simulation.
    due: int | None
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
def choose(request: StaffRequest, policy_id: UUID) -> HttpResponse:
    """A new draft of the same pack, under another reading of the law."""
    found = _policy(policy_id)
    form = VariantForm(request.POST, offered=_offered(found), auto_id="variant_%s")
    made: list[Policy] = []

    def load() -> None:
        rule, _sep, variant = form.cleaned_data["variant"].partition("=")
        chosen = {**found.about.get("variants", {}), rule: variant}
        reason = form.cleaned_data["reason"]
        actor = request.staff.actor
        made.append(
            services.load_policy(actor=actor, pack=found.pack, variants=chosen, reason=reason)
        )

    if not attempt(form, load):
        return _show(request, found, choosing=form, status=422)
    messages.success(request, _("Drafted under this reading. Simulate it, then have it signed."))
    return redirect("console:policy", made[0].pk)


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
            job=form.cleaned_data["job"],
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
    choosing: VariantForm | None = None,
    status: int = 200,
) -> HttpResponse:
    day = today(request)
    due = simulating.count_by_rule(policy_id=shown.pk, as_of=day)
    other, changes = selectors.differences(shown.pk, as_of=day)
    signatures = list(shown.signatures.select_related("user").order_by("signed_at"))
    signed = request.staff.user.pk in {item.user_id for item in signatures}
    context = {
        "policy": shown,
        "badge": badges.of("policy", shown.state),
        "versions": Policy.objects.order_by("-number"),
        "rules": _rules(shown, due),
        "due": None if due is None else sum(due.values()),
        "now": selectors.counts(as_of=day).due,
        "signatures": signatures,
        "dpo_missing": Role.DPO not in {item.role for item in signatures},
        "may_sign": request.staff.may_propose and not signed and shown.state == "drafted",
        "activation": activation or ActivationForm(initial={"active_from": day}),
        "overriding": overriding or OverrideForm(rules=_choices(shown), auto_id="override_%s"),
        "opened": bool(overriding),
        "variants": law.variants(shown),
        "choosing": choosing or VariantForm(offered=_offered(shown), auto_id="variant_%s"),
        "choosing_opened": bool(choosing),
        "packs": _packs(),
        "about": law.about(shown.about),
        "other": other if shown.state in {"drafted", "signed"} else None,
        "changes": law.changes(changes),
    }
    return page(request, "console/policies.html", context, status=status)


def _rules(shown: Policy, due: Mapping[str, int] | None) -> list[Rule]:
    changed, jobs = _overrides(shown), _jobs(shown)
    return [
        _rule(rule, changed.get(rule["rule"]), jobs.get(rule["rule"], {}), due)
        for rule in shown.rules
    ]


def _rule(
    rule: Mapping[str, Any],
    changed: Override | None,
    jobs: Mapping[str, str],
    due: Mapping[str, int] | None,
) -> Rule:
    return Rule(
        key=rule["rule"],
        label=labels.rule(rule["rule"]),
        trigger=labels.trigger(rule["trigger"]),
        duration=labels.duration(changed.duration if changed else rule["duration"]),
        was=labels.duration(rule["duration"]) if changed else "",
        jobs=tuple(sorted(jobs.items())),
        ceiling=labels.duration(rule["ceiling"]),
        sources=tuple(rule["sources"]),
        by_hand=bool(rule["by_hand"]),
        due=None if due is None else due.get(rule["rule"], 0),
        notes=law.notes(rule),
    )


def _offered(shown: Policy) -> list[tuple[str, str]]:
    return [(one.key, f"{one.rule} · {one.title}") for one in law.variants(shown) if not one.chosen]


def _packs() -> list[tuple[str, str]]:
    return packs.titles(get_language() or "en")


def _overrides(shown: Policy) -> dict[str, Override]:
    """The last override of each rule for every job: a later one replaces an earlier one."""
    return {item.rule: item for item in shown.overrides.filter(job="").order_by("signed_at")}


def _jobs(shown: Policy) -> dict[str, dict[str, str]]:
    """Rule → job → its own period in words."""
    found: dict[str, dict[str, str]] = {}
    for item in shown.overrides.exclude(job="").order_by("signed_at"):
        found.setdefault(item.rule, {})[item.job] = labels.duration(item.duration)
    return found


def _choices(shown: Policy) -> list[tuple[str, str]]:
    return [
        (rule["rule"], labels.rule(rule["rule"])) for rule in shown.rules if not rule["by_hand"]
    ]
