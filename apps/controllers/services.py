"""Writes of this room. A controller comes with its ledger; both exist or neither does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.controllers import events
from apps.controllers.models import Controller, ProcessingActivity
from apps.core import scope
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.ids import new_id

LEGAL_BASES = frozenset(
    f"eu-gdpr:{code}"
    for code in (
        "A6-1-a",
        "A6-1-b",
        "A6-1-b-enter-into-contract",
        "A6-1-b-contract-performance",
        "A6-1-c",
        "A6-1-e",
        "A6-1-f",
        "A6-1-f-controller",
        "A6-1-f-third-party",
    )
)
_COUNTRY = re.compile(r"^[A-Z]{2}$")
_PURPOSE = re.compile(r"^dpv:[A-Za-z]+$")
CHANGEABLE = ("name", "country", "time_zone", "dpo_name", "dpo_email")


@transaction.atomic
def register(
    *, actor: Actor, name: str, country: str, time_zone: str, dpo_name: str, dpo_email: str
) -> Controller:
    """A new legal entity and its ledger. Raises Invalid naming the field."""
    controller = Controller(
        id=new_id(),
        name=name.strip(),
        country=country,
        time_zone=time_zone,
        dpo_name=dpo_name.strip(),
        dpo_email=dpo_email.strip(),
    )
    _check(controller)
    audit.open_log(log_id=controller.pk, actor=actor)
    controller.save(force_insert=True)
    with scope.enter(controller.pk):
        audit.record(events.CONTROLLER_REGISTERED, actor=actor, object_id=controller.pk)
    return controller


@transaction.atomic
def change_settings(*, actor: Actor, values: dict[str, str]) -> Controller:
    """Change the controller in scope. Raises Invalid for an unknown or wrong value."""
    controller = Controller.objects.select_for_update().get(pk=scope.current())
    for field, value in values.items():
        if field not in CHANGEABLE:
            raise Invalid("unknown_setting", _("There is no such setting."), field=field)
        setattr(controller, field, value.strip())
    _check(controller)
    controller.save()
    audit.record(
        events.SETTINGS_CHANGED,
        actor=actor,
        object_id=controller.pk,
        counts={"changed": len(values)},
    )
    return controller


@transaction.atomic
def choose_warnings(*, actor: Actor, warns: bool) -> None:
    """Whether the controller in scope warns candidates before their data go."""
    Controller.objects.filter(pk=scope.current()).update(warns=warns)
    verb = events.WARNINGS_ON if warns else events.WARNINGS_OFF
    audit.record(verb, actor=actor, object_id=scope.current())


@transaction.atomic
def choose_erasing(*, actor: Actor, erases: bool) -> None:
    """Whether anything new is sent to the ATSs of the controller in scope. Raises Conflict when it
    is so already."""
    rows = Controller.objects.filter(pk=scope.current()).exclude(erases=erases)
    if not rows.update(erases=erases):
        raise Conflict("erasures_state", _("Somebody did this already. Look again."))
    verb = events.ERASURES_RESUMED if erases else events.ERASURES_STOPPED
    audit.record(verb, actor=actor, object_id=scope.current())


@transaction.atomic
def register_activity(
    *, actor: Actor, name: str, purpose: str, legal_basis: str, recipients: Sequence[str]
) -> ProcessingActivity:
    """One processing activity of the controller in scope (art. 30). Raises Invalid."""
    if not name.strip():
        raise Invalid("name_missing", _("Give the activity a name."), field="name")
    if not _PURPOSE.match(purpose):
        raise Invalid(
            "purpose", _("Write the purpose as a DPV identifier, such as dpv:…"), field="purpose"
        )
    if legal_basis not in LEGAL_BASES:
        raise Invalid("legal_basis", _("This legal basis is not known."), field="legal_basis")
    if not recipients:
        raise Invalid("recipients", _("Name at least one recipient."), field="recipients")
    activity = ProcessingActivity.objects.create(
        name=name.strip(), purpose=purpose, legal_basis=legal_basis, recipients=list(recipients)
    )
    audit.record(events.ACTIVITY_REGISTERED, actor=actor, object_id=activity.pk)
    return activity


def _check(controller: Controller) -> None:
    if not controller.name:
        raise Invalid("name_missing", _("Give the legal entity a name."), field="name")
    if not _COUNTRY.match(controller.country):
        raise Invalid("country", _("Use a two-letter country code, such as FR."), field="country")
    if controller.time_zone not in available_timezones():
        raise Invalid(
            "time_zone", _("Use a time zone name, such as Europe/Paris."), field="time_zone"
        )
    if not controller.dpo_name:
        raise Invalid("dpo_name", _("Name the data protection officer."), field="dpo_name")
    try:
        validate_email(controller.dpo_email)
    except ValidationError as error:
        raise Invalid(
            "dpo_email", _("Give the DPO's e-mail address."), field="dpo_email"
        ) from error
