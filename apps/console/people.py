"""Who a record is about, unsealed in bulk for showing; never stored, logged or put in a URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey, User
from apps.console import words
from apps.subjects import selectors as subjects


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    known: bool = False

    @property
    def email(self) -> str:
        return self.emails[0] if self.emails else ""


def of_records(record_ids: Sequence[UUID]) -> dict[UUID, Person]:
    """Everyone asked for: those whose key is gone are called by the record's reference."""
    opened = subjects.identities(record_ids)
    found: dict[UUID, Person] = {}
    for record_id in record_ids:
        who = opened.get(record_id)
        if who is None:
            found[record_id] = Person(_("Erased person"))
            continue
        name = f"{who.first_name} {who.last_name}".strip()
        found[record_id] = Person(
            name or _("Record %(reference)s") % {"reference": words.reference(record_id)},
            tuple(who.emails),
            tuple(who.phones),
            known=True,
        )
    return found


def actors(pairs: set[tuple[str, UUID]]) -> dict[tuple[str, UUID], str]:
    """Names of who did something, for entries of the ledger: (kind, id) → words."""
    users = {pk for kind, pk in pairs if kind == "user"}
    machines = {pk for kind, pk in pairs if kind == "api_client"}
    named = dict(User.objects.filter(pk__in=users).values_list("pk", "name")) if users else {}
    keys = ApiKey.objects.filter(pk__in=machines) if machines else ApiKey.objects.none()
    named.update(keys.values_list("pk", "name"))
    fallback = {
        "user": _("A person"),
        "api_client": _("A program"),
        "system": _("Lethe"),
        "vendor": _("The ATS"),
        "subject": _("The candidate"),
    }
    return {(kind, pk): named.get(pk) or fallback.get(kind, kind) for kind, pk in pairs}
