"""Recipients of candidates' data, and which person was disclosed to whom (GDPR art. 19).

A recipient is told of the erasure by its own reference to the person. The reference is sealed as
it arrives and no answer gives it back.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.idempotency import Made
from apps.api import fields, paging
from apps.api.base import ApiView, answer
from apps.api.consents import subject_of
from apps.core.errors import Missing
from apps.subjects import recipients
from apps.subjects.models import Disclosure, Recipient


class RecipientSerializer(serializers.Serializer[Any]):
    """Somebody to whom candidates' data are disclosed, and how they are told of an erasure."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=Recipient.Channel.values)
    added_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="Nothing is disclosed to them any more since then."
    )


class DisclosureSerializer(serializers.Serializer[Any]):
    """A person's data went to a recipient; `state` is what became of telling them."""

    id = serializers.UUIDField()
    subject = serializers.UUIDField(source="subject_id")
    recipient = serializers.UUIDField(source="recipient_id")
    disclosed_on = serializers.DateField(help_text="Local date.")
    state = serializers.ChoiceField(choices=Disclosure.State.values)
    settled_at = serializers.DateTimeField(allow_null=True)


class DisclosureBody(fields.Strict):
    """Who: exactly one of `subject` and `record`."""

    subject = fields.Id(required=False)
    record = fields.Id(required=False, help_text="Any record of the person.")
    recipient = fields.Id()
    reference = fields.Text(
        max_length=200, help_text="What the recipient calls the person. Sealed, never shown."
    )
    disclosed_on = fields.Day()


class RecipientsView(ApiView):
    scopes: ClassVar = {"GET": "records:read"}

    @extend_schema(
        operation_id="recipients_list",
        parameters=[paging.PageQuery],
        responses=paging.shape("Recipient", RecipientSerializer),
    )
    def get(self, request: Request) -> Response:
        """Recipients of the controller, in the order they were added."""
        query = fields.query(paging.PageQuery, request.query_params)
        page = paging.of_rows(
            Recipient.objects.all(), cursor=query.get("cursor"), limit=query["limit"]
        )
        return Response(page.answer(request, [RecipientSerializer(row).data for row in page.items]))


class DisclosuresView(ApiView):
    scopes: ClassVar = {"POST": "consents:write"}

    @extend_schema(
        operation_id="disclosures_create",
        request=DisclosureBody,
        responses={201: DisclosureSerializer},
    )
    def post(self, request: Request) -> Response:
        """Data of a person went to a recipient, who is told when they are erased."""
        values = fields.body(DisclosureBody, request.data)

        def effect() -> Made:
            made = recipients.disclose(
                actor=self.actor,
                subject_id=subject_of(values),
                recipient_id=values["recipient"],
                reference=values["reference"],
                disclosed_on=values["disclosed_on"],
                source=Disclosure.Source.API,
            )
            return Made((made.pk,), 201)

        made = self.once("disclosures_create", effect)
        return answer(DisclosureSerializer(_disclosure(made.resources[0])).data, made)


def _disclosure(pk: UUID) -> Disclosure:
    found: Disclosure | None = Disclosure.objects.filter(pk=pk).first()
    if found is None:
        raise Missing("disclosure", _("There is no such disclosure."))
    return found
