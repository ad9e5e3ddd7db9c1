"""Consents: append-only events. To withdraw is another event, never a removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.idempotency import Made
from apps.api import fields, paging
from apps.api.base import ApiView, answer
from apps.api.problems import BadBody, Place
from apps.consents import services as consents
from apps.consents.models import ConsentEvent
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.errors import Missing
from apps.subjects import selectors as subjects
from apps.subjects.models import Record


class ConsentSerializer(serializers.Serializer[Any]):
    """One thing a person said about one purpose; `id` is the receipt's."""

    id = serializers.UUIDField()
    subject = serializers.UUIDField(source="subject_id")
    purpose = serializers.ChoiceField(choices=ConsentEvent.Purpose.values)
    state = serializers.ChoiceField(choices=ConsentEvent.State.values)
    source = serializers.ChoiceField(choices=ConsentEvent.Source.values)  # type: ignore[assignment]  # declared fields leave the class
    notice = serializers.CharField(help_text="Version of the notice read; empty otherwise.")
    effective_on = serializers.DateField(help_text="Local date the person said it.")
    recorded_at = serializers.DateTimeField()
    sequence = serializers.IntegerField(
        min_value=1, help_text="The highest of a person and purpose is the present state."
    )


class PersonBody(fields.Strict):
    """Who: exactly one of `subject` and `record`."""

    subject = fields.Id(required=False)
    record = fields.Id(required=False, help_text="Any record of the person.")
    purpose = fields.Choice(choices=ConsentEvent.Purpose.values)
    effective_on = fields.Day(
        required=False, help_text="Today in the controller's time zone when absent."
    )


class ConsentBody(PersonBody):
    notice = fields.Text(max_length=64, help_text="Version of the notice the person read.")


class WithdrawalBody(PersonBody):
    pass


class ConsentQuery(paging.PageQuery):
    subject = fields.Id(required=False)
    record = fields.Id(required=False)
    purpose = fields.Choice(choices=ConsentEvent.Purpose.values, required=False)
    state = fields.Choice(choices=ConsentEvent.State.values, required=False)


class ConsentsView(ApiView):
    scopes: ClassVar = {"GET": "consents:read", "POST": "consents:write"}

    @extend_schema(
        operation_id="consents_list",
        parameters=[ConsentQuery],
        responses=paging.shape("Consent", ConsentSerializer),
    )
    def get(self, request: Request) -> Response:
        """What people said, oldest first. With `subject` or `record`: that person's history."""
        query = fields.query(ConsentQuery, request.query_params)
        page = paging.of_rows(_filtered(query), cursor=query.get("cursor"), limit=query["limit"])
        return Response(page.answer(request, [ConsentSerializer(row).data for row in page.items]))

    @extend_schema(
        operation_id="consents_create", request=ConsentBody, responses={201: ConsentSerializer}
    )
    def post(self, request: Request) -> Response:
        """A consent given, or renewed when one lives."""
        values = fields.body(ConsentBody, request.data)

        def effect() -> ConsentEvent:
            return consents.record(actor=self.actor, notice=values["notice"], **_common(values))

        return _answer(self.once("consents_create", _once(effect)))


class WithdrawalsView(ApiView):
    scopes: ClassVar = {"POST": "consents:write"}

    @extend_schema(
        operation_id="consents_withdraw", request=WithdrawalBody, responses={201: ConsentSerializer}
    )
    def post(self, request: Request) -> Response:
        """A consent withdrawn (GDPR art. 7(3)): as easy as to give it."""
        values = fields.body(WithdrawalBody, request.data)

        def effect() -> ConsentEvent:
            return consents.withdraw(actor=self.actor, **_common(values))

        return _answer(self.once("consents_withdraw", _once(effect)))


class ConsentView(ApiView):
    scopes: ClassVar = {"GET": "consents:read"}

    @extend_schema(operation_id="consents_read", responses=ConsentSerializer)
    def get(self, request: Request, consent_id: UUID) -> Response:
        """One event: the receipt."""
        return Response(ConsentSerializer(_event(consent_id)).data)


def _once(effect: Callable[[], ConsentEvent]) -> Callable[[], Made]:
    return lambda: Made((effect().pk,), 201)


def _answer(result: Made) -> Response:
    """Built from the event again, so a repetition reads as the first answer did."""
    event = _event(result.resources[0])
    location = reverse("api:consent", args=[event.pk])
    return answer(ConsentSerializer(event).data, result, {"Location": location})


def _event(consent_id: UUID) -> ConsentEvent:
    found: ConsentEvent | None = ConsentEvent.objects.filter(pk=consent_id).first()
    if found is None:
        raise Missing("consent", _("There is no such consent."))
    return found


def _common(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "subject_id": subject_of(values),
        "purpose": values["purpose"],
        "effective_on": values.get("effective_on") or _today(),
        "source": ConsentEvent.Source.API,
    }


def subject_of(values: dict[str, Any]) -> UUID:
    """Raises BadBody unless exactly one of the two is there, Missing for an unknown record."""
    if ("subject" in values) == ("record" in values):
        message = _("Say who: either subject or record, not both.")
        raise BadBody([Place("pointer", "/subject", "subject_or_record", message)])
    if "subject" in values:
        return UUID(str(values["subject"]))
    return subjects.record(values["record"]).subject_id


def _filtered(query: dict[str, Any]) -> QuerySet[ConsentEvent]:
    rows = ConsentEvent.objects.all()
    for name in ("purpose", "state"):
        if name in query:
            rows = rows.filter(**{name: query[name]})
    if "subject" in query:
        rows = rows.filter(subject_id__in=subjects.family(query["subject"]))
    if "record" in query:
        named = Record.objects.filter(pk=query["record"]).values_list("subject_id", flat=True)
        rows = rows.filter(subject_id__in=subjects.family_of(list(named)))
    return rows


def _today() -> date:
    return clock.today(controllers.current().time_zone)
