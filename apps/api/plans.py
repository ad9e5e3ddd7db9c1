"""Erasure plans: a machine may propose and read. Approving is a person's act, in the console."""

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
from apps.connectors.models import Connection
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.core.errors import Refused
from apps.erasure import selectors as erasure
from apps.erasure import services
from apps.erasure.models import Plan, Step


class Progress(serializers.Serializer[Any]):
    total = serializers.IntegerField(min_value=0)
    by_state = serializers.DictField(child=serializers.IntegerField(min_value=0))
    fraction = serializers.FloatField(min_value=0, max_value=1, help_text="Steps that ended.")


class PlanSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField(min_value=1, help_text="What people call it.")
    connection = serializers.UUIDField(source="connection_id")
    policy = serializers.IntegerField(source="policy.number", help_text="Policy version.")
    action = serializers.ChoiceField(choices=Connection.Action.values)
    state = serializers.ChoiceField(choices=Plan.State.values)
    as_of = serializers.DateField(help_text="Local date the records were due on.")
    proposed_at = serializers.DateTimeField()
    proposed_by = serializers.UUIDField(
        source="proposed_by_id",
        allow_null=True,
        help_text="The person: an opaque id; null: Lethe itself, or a machine.",
    )
    decided_by = serializers.UUIDField(
        source="decided_by_id", allow_null=True, help_text="The person: an opaque id."
    )
    decided_at = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(
        allow_null=True, help_text="No effect before: it can be called back until then."
    )
    finished_at = serializers.DateTimeField(allow_null=True)


class PlanDetail(PlanSerializer):
    progress = Progress()


class Outcome(serializers.Serializer[Any]):
    """Names of fields by what the read-back showed; never a value."""

    clean = serializers.ListField(child=serializers.CharField())
    residue = serializers.ListField(child=serializers.CharField(), help_text="Data remain here.")
    confirmed = serializers.ListField(child=serializers.CharField(), help_text="By the vendor.")
    unread = serializers.ListField(child=serializers.CharField(), help_text="No read shows these.")


class StepSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    record = serializers.UUIDField(source="record_id")
    record_version = serializers.IntegerField(min_value=1)
    state = serializers.ChoiceField(choices=Step.State.values)
    code = serializers.CharField(help_text="Why, as a stable word; empty when all is said.")
    rule = serializers.CharField()
    due_on = serializers.DateField()
    sends = serializers.IntegerField(min_value=0, help_text="Calls with an effect.")
    request_id = serializers.CharField(help_text="The vendor's; empty when it gives none.")
    sent_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    outcome = Outcome(source="*", help_text="Per field.")


class CertificateSerializer(serializers.Serializer[Any]):
    """A C2SP signed note: a line naming the format, a line of JSON, the signature."""

    plan = serializers.UUIDField(source="plan_id")
    issued_at = serializers.DateTimeField()
    note = serializers.CharField()


class PlanQuery(paging.PageQuery):
    state = fields.Choice(choices=Plan.State.values, required=False)
    connection = fields.Id(required=False)


class StepQuery(paging.PageQuery):
    state = fields.Choice(choices=Step.State.values, required=False)


class Nothing(fields.Strict):
    """An empty object: there is nothing to say."""


class Proposed(serializers.Serializer[Any]):
    results = PlanDetail(many=True, help_text="One plan a connection; empty: nothing is due.")


class PlansView(ApiView):
    scopes: ClassVar = {"GET": "plans:read", "POST": "plans:write"}

    @extend_schema(
        operation_id="plans_list",
        parameters=[PlanQuery],
        responses=paging.shape("Plan", PlanSerializer),
    )
    def get(self, request: Request) -> Response:
        """Plans, the newest first."""
        query = fields.query(PlanQuery, request.query_params)
        rows = erasure.plans()
        if "state" in query:
            rows = rows.filter(state=query["state"])
        if "connection" in query:
            rows = rows.filter(connection_id=query["connection"])
        page = paging.of_rows(
            rows, cursor=query.get("cursor"), limit=query["limit"], newest_first=True
        )
        return Response(page.answer(request, [PlanSerializer(row).data for row in page.items]))

    @extend_schema(
        operation_id="plans_propose",
        request=Nothing,
        responses={200: Proposed, 201: Proposed},
    )
    def post(self, request: Request) -> Response:
        """Propose what is due today: 201 with a plan for each connection that has any.

        200 with no plan means that nothing new is due. A person approves, in the console.
        """
        fields.body(Nothing, request.data)
        result = self.once("plans_propose", self._propose)
        plans = [_detail(plan_id) for plan_id in result.resources]
        return answer({"results": plans}, result)

    def _propose(self) -> Made:
        as_of = clock.today(controllers.current().time_zone)
        plans = services.propose(actor=self.actor, as_of=as_of)
        return Made(tuple(plan.pk for plan in plans), 201 if plans else 200)


class PlanView(ApiView):
    scopes: ClassVar = {"GET": "plans:read"}

    @extend_schema(operation_id="plans_read", responses=PlanDetail)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """One plan and how far it is."""
        return Response(_detail(plan_id))


class ApprovalView(ApiView):
    scopes: ClassVar = {"POST": "plans:write"}

    @extend_schema(operation_id="plans_approve", request=Nothing, responses={})
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Always refused (403, `person_needed`): a DPO approves, in the console."""
        plan = erasure.plan(plan_id)
        raise Refused(
            "person_needed",
            _("A machine cannot approve plan %(number)s. A DPO approves it in the console.")
            % {"number": plan.number},
        )


class StepsView(ApiView):
    scopes: ClassVar = {"GET": "plans:read"}

    @extend_schema(
        operation_id="steps_list",
        parameters=[StepQuery],
        responses=paging.shape("Step", StepSerializer),
    )
    def get(self, request: Request, plan_id: UUID) -> Response:
        """The steps of a plan: one record each, with the outcome per field."""
        query = fields.query(StepQuery, request.query_params)
        plan = erasure.plan(plan_id)
        rows = erasure.steps(plan.pk, state=query.get("state"))
        page = paging.of_rows(rows, cursor=query.get("cursor"), limit=query["limit"])
        return Response(page.answer(request, [StepSerializer(row).data for row in page.items]))


class CertificateView(ApiView):
    scopes: ClassVar = {"GET": "plans:read"}

    @extend_schema(operation_id="plans_certificate", responses=CertificateSerializer)
    def get(self, request: Request, plan_id: UUID) -> Response:
        """The signed account of a finished plan; 409 until it is finished."""
        return Response(CertificateSerializer(services.certificate(plan_id)).data)


def _detail(plan_id: UUID) -> dict[str, Any]:
    plan = erasure.plan(plan_id)
    progress = Progress(erasure.progress(plan.pk)).data
    return {**PlanSerializer(plan).data, "progress": progress}
