"""Facts about a person that an ATS does not give: contacts from them, and notices given to them.

Append-only, like consents. Deadlines follow within a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.idempotency import Made
from apps.api import fields
from apps.api.base import ApiView, answer
from apps.api.consents import subject_of
from apps.consents import services as consents
from apps.consents.models import NoticeGiven
from apps.core.errors import Missing
from apps.subjects import services as subjects
from apps.subjects.models import Contact


class ContactSerializer(serializers.Serializer[Any]):
    """A day the candidate was in touch: what the recruiter sends is none."""

    id = serializers.UUIDField()
    subject = serializers.UUIDField(source="subject_id")
    kind = serializers.ChoiceField(choices=Contact.Kind.values)
    happened_on = serializers.DateField(help_text="Local date.")
    noted_at = serializers.DateTimeField()


class NoticeSerializer(serializers.Serializer[Any]):
    """A sourced person was told where their data come from (GDPR art. 14)."""

    id = serializers.UUIDField()
    subject = serializers.UUIDField(source="subject_id")
    notice = serializers.CharField(help_text="Version of the notice that was sent.")
    given_on = serializers.DateField(help_text="Local date.")
    recorded_at = serializers.DateTimeField()


class _WhoBody(fields.Strict):
    """Who: exactly one of `subject` and `record`."""

    subject = fields.Id(required=False)
    record = fields.Id(required=False, help_text="Any record of the person.")


class ContactBody(_WhoBody):
    kind = fields.Choice(choices=Contact.Kind.values)
    happened_on = fields.Day()


class NoticeBody(_WhoBody):
    notice = fields.Text(max_length=64, help_text="Version of the notice that was sent.")
    given_on = fields.Day()


class ContactsView(ApiView):
    scopes: ClassVar = {"POST": "consents:write"}

    @extend_schema(
        operation_id="contacts_create", request=ContactBody, responses={201: ContactSerializer}
    )
    def post(self, request: Request) -> Response:
        """The candidate was in touch: periods that run from the last contact follow."""
        values = fields.body(ContactBody, request.data)

        def effect() -> UUID:
            return subjects.note_contact(
                actor=self.actor,
                subject_id=subject_of(values),
                kind=values["kind"],
                happened_on=values["happened_on"],
                source=Contact.Source.API,
            ).pk

        made = self.once("contacts_create", _once(effect))
        return answer(ContactSerializer(_contact(made.resources[0])).data, made)


class NoticesView(ApiView):
    scopes: ClassVar = {"POST": "consents:write"}

    @extend_schema(
        operation_id="notices_create", request=NoticeBody, responses={201: NoticeSerializer}
    )
    def post(self, request: Request) -> Response:
        """The person was told: the rule for sourced people who were told replaces the other."""
        values = fields.body(NoticeBody, request.data)

        def effect() -> UUID:
            return consents.give_notice(
                actor=self.actor,
                subject_id=subject_of(values),
                notice=values["notice"],
                given_on=values["given_on"],
                source="api",
            ).pk

        made = self.once("notices_create", _once(effect))
        return answer(NoticeSerializer(_notice(made.resources[0])).data, made)


def _once(effect: Callable[[], UUID]) -> Callable[[], Made]:
    return lambda: Made((effect(),), 201)


def _contact(pk: UUID) -> Contact:
    found: Contact | None = Contact.objects.filter(pk=pk).first()
    if found is None:
        raise Missing("contact", _("There is no such contact."))
    return found


def _notice(pk: UUID) -> NoticeGiven:
    found: NoticeGiven | None = NoticeGiven.objects.filter(pk=pk).first()
    if found is None:
        raise Missing("notice", _("There is no such notice."))
    return found
