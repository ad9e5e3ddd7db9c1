"""Records and their deadlines. Ids, states and dates: who somebody is stays in the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import fields, paging
from apps.api.base import ApiView
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.retention import listing
from apps.retention import selectors as retention
from apps.subjects import selectors as subjects
from apps.subjects.models import Record


class Deadline(serializers.Serializer[Any]):
    """Until when a record may be kept, on the controller's local date of today."""

    outcome = serializers.ChoiceField(choices=listing.OUTCOMES)
    due_on = serializers.DateField(allow_null=True, help_text="First local day it is due.")
    rule = serializers.CharField(help_text="The rule that decides; empty when none does.")
    label = serializers.CharField(  # type: ignore[assignment]  # declared fields leave the class
        help_text="Why, in a few words of the language asked for."
    )


class RecordFacts(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subject = serializers.UUIDField(source="subject_id", help_text="The person: an opaque id.")
    connection = serializers.UUIDField(source="connection_id", help_text="The account at an ATS.")
    state = serializers.ChoiceField(choices=Record.State.values)
    origin = serializers.ChoiceField(choices=Record.Origin.values)
    version = serializers.IntegerField(min_value=1, help_text="Rises with every changed fact.")
    updated_at = serializers.DateTimeField(
        source="changed_at", help_text="When version or state last changed."
    )
    collected_on = serializers.DateField(allow_null=True)
    talent_pool = serializers.BooleanField()
    erased_at = serializers.DateTimeField(allow_null=True)


class RecordSerializer(RecordFacts):
    deadline = Deadline(allow_null=True, help_text="null when erased, or just changed.")


class Reason(serializers.Serializer[Any]):
    """One ground: a rule, the date its period runs from, and when it ends. Labels are in the
    language asked for, codes are stable."""

    rule = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # declared fields leave the class
    application = serializers.UUIDField(
        source="application_id", allow_null=True, help_text="null: of the record as a whole."
    )
    trigger = serializers.CharField(help_text="What the period runs from.")
    trigger_label = serializers.CharField()
    anchor = serializers.DateField(allow_null=True, help_text="The day it runs from.")
    approximate = serializers.BooleanField(help_text="The ATS gives that day only nearly.")
    duration = serializers.CharField(help_text="ISO 8601 period; empty: none.")
    duration_label = serializers.CharField()
    ends_on = serializers.DateField(allow_null=True, help_text="Kept through this local day.")
    status = serializers.ChoiceField(choices=("ended", "living", "off", "no_end"))
    reason = serializers.CharField()
    reason_label = serializers.CharField()
    sources = serializers.ListField(child=serializers.CharField(), help_text="Legal sources.")


class Explained(serializers.Serializer[Any]):
    """A deadline with everything it was derived from; `sentence` says it in words."""

    as_of = serializers.DateField(help_text="The controller's local date of today.")
    outcome = serializers.ChoiceField(choices=listing.OUTCOMES)
    due_on = serializers.DateField(allow_null=True, help_text="First local day it is due.")
    to_archive = serializers.BooleanField(
        help_text="It is then needed as evidence only: for the intermediate archive."
    )
    sentence = serializers.CharField()
    held = serializers.BooleanField(help_text="Under a legal hold, which beats every date.")
    policy_number = serializers.IntegerField(allow_null=True)
    policy_pack = serializers.CharField()
    reasons = Reason(source="grounds", many=True, help_text="The first decides.")


class RecordDetail(RecordFacts):
    deadline = Explained(allow_null=True, help_text="null once the record is erased.")


class RecordQuery(paging.PageQuery):
    state = fields.Choice(choices=Record.State.values, required=False)
    outcome = fields.Choice(choices=listing.OUTCOMES, required=False)
    connection = fields.Id(required=False)
    subject = fields.Id(required=False)
    updated_since = fields.Instant(
        required=False,
        help_text="RFC 3339. Let it overlap the last time you asked by a minute: what was being "
        "written then comes late.",
    )


class SearchBody(fields.Strict):
    email = serializers.EmailField(
        max_length=254,
        write_only=True,
        error_messages={"invalid": fields.NOT_AN_EMAIL},
        help_text="Taken from the body only, compared by keyed digest, stored nowhere.",
    )


class Found(serializers.Serializer[Any]):
    results = RecordSerializer(many=True)


class RecordsView(ApiView):
    scopes: ClassVar = {"GET": "records:read"}

    @extend_schema(
        operation_id="records_list",
        parameters=[RecordQuery],
        responses=paging.shape("Record", RecordSerializer),
    )
    def get(self, request: Request) -> Response:
        """Records of the controller, in the order they were made."""
        query = fields.query(RecordQuery, request.query_params)
        as_of = _today()
        page = paging.of_rows(
            _filtered(query, as_of), cursor=query.get("cursor"), limit=query["limit"]
        )
        return Response(page.answer(request, present(page.items, as_of)))


class RecordView(ApiView):
    scopes: ClassVar = {"GET": "records:read"}

    @extend_schema(operation_id="records_read", responses=RecordDetail)
    def get(self, request: Request, record_id: UUID) -> Response:
        """One record with its deadline and every reason."""
        record = subjects.record(record_id)
        facts = RecordFacts(record).data
        return Response({**facts, "deadline": _explained(record, _today())})


class RecordSearchView(ApiView):
    scopes: ClassVar = {"POST": "records:read"}

    @extend_schema(operation_id="records_search", request=SearchBody, responses=Found)
    def post(self, request: Request) -> Response:
        """Records of the person with this e-mail address, in every ATS account.

        Nothing is changed, and the address appears in no URL and no log.
        """
        email = fields.body(SearchBody, request.data)["email"]
        found = subjects.find(email=email)
        rows = subjects.records().filter(subject_id__in=subjects.family_of(found)).order_by("pk")
        return Response({"results": present(list(rows), _today())})


def present(rows: Sequence[Record], as_of: date) -> list[dict[str, Any]]:
    """Rows with their deadlines, in a constant number of queries."""
    summaries = listing.summaries([row.pk for row in rows if _decided(row)], as_of=as_of)
    return [dict(RecordSerializer(_Shown(row, summaries.get(row.pk))).data) for row in rows]


class _Shown:
    """A record with the deadline that belongs to it, for the serializer to read."""

    def __init__(self, record: Record, deadline: Any) -> None:
        self.record = record
        self.deadline = deadline

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)


def _today() -> date:
    return clock.today(controllers.current().time_zone)


def _decided(record: Record) -> bool:
    return record.state != Record.State.ERASED


def _filtered(query: dict[str, Any], as_of: date) -> QuerySet[Record]:
    names = {
        "state": "state",
        "connection": "connection_id",
        "subject": "subject_id",
        "updated_since": "changed_at__gte",
    }
    rows = subjects.records().filter(
        **{column: query[name] for name, column in names.items() if name in query}
    )
    if "outcome" in query:
        rows = listing.where_outcome(rows, query["outcome"], as_of=as_of)
    return rows


def _explained(record: Record, as_of: date) -> dict[str, Any] | None:
    if not _decided(record):
        return None
    return dict(Explained(retention.explain(record.pk, as_of=as_of)).data)
