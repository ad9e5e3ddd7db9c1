"""The ledger of the key's controller: entries, signed checkpoint, proofs to verify offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import fields, paging
from apps.api.base import ApiView
from apps.api.problems import BadQuery, Place
from apps.audit import origins
from apps.audit import selectors as audit
from apps.audit.selectors import Shown
from apps.core import scope
from apps.core.actors import Actor, ActorKind
from apps.core.errors import Missing

KINDS = get_args(ActorKind)
_TEXT = "text/plain"


class Text(BaseRenderer):
    """A C2SP format as it is: text that anybody can keep, mail or compare."""

    media_type = _TEXT
    format = "txt"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        return str(data)


class ActorSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS, source="actor_kind")
    id = serializers.UUIDField(source="actor_id")


class EntrySerializer(serializers.Serializer[Any]):
    """What was done, by whom and to what: opaque ids, counts, codes, dates, commitments."""

    index = serializers.IntegerField(min_value=0)
    id = serializers.UUIDField(source="body.id")
    at = serializers.DateTimeField(source="body.at")
    verb = serializers.CharField(source="body.verb")
    sentence = serializers.CharField(help_text="The same in words.")
    actor = ActorSerializer(source="body")
    object = serializers.UUIDField(source="body.object", allow_null=True)
    facts = serializers.DictField(
        source="body.facts",
        child=serializers.DictField(),
        help_text="By kind (refs, counts, codes, commitments, dates), then by key.",
    )


class CheckpointSerializer(serializers.Serializer[Any]):
    """A signed head of the ledger. Keep copies: only one outside detects a rewritten log."""

    origin = serializers.CharField()
    size = serializers.IntegerField(min_value=0)
    root = serializers.CharField(  # type: ignore[assignment]  # declared fields leave the class
        help_text="Merkle root (RFC 6962), 64 hex digits."
    )
    at = serializers.DateTimeField()
    vkey = serializers.CharField(help_text="The log's C2SP verifier key.")
    note = serializers.CharField(help_text="The C2SP signed note, as text/plain gives it.")


class ProofSerializer(serializers.Serializer[Any]):
    """What it takes to verify one entry without Lethe."""

    index = serializers.IntegerField(min_value=0)
    entry = serializers.CharField(help_text="The exact bytes of the entry (ASCII).")
    proof = serializers.CharField(help_text="C2SP tlog-proof, as text/plain gives it.")
    vkey = serializers.CharField(help_text="The log's C2SP verifier key.")


class EntryQuery(paging.PageQuery):
    verb = fields.Text(required=False, max_length=64, help_text="Such as `plan.approved`.")
    object = fields.Id(required=False, help_text="The thing it was done to.")
    actor = fields.Id(required=False, help_text="Who did it; needs `actor_kind`.")
    actor_kind = fields.Choice(choices=KINDS, required=False, help_text="Needs `actor`.")


class EntriesView(ApiView):
    scopes: ClassVar = {"GET": "ledger:read"}

    @extend_schema(
        operation_id="entries_list",
        parameters=[EntryQuery],
        responses=paging.shape("Entry", EntrySerializer),
    )
    def get(self, request: Request) -> Response:
        """Sealed entries, the newest first. `previous` is null: the ledger grows at its top."""
        query = fields.query(EntryQuery, request.query_params)
        actor = _actor(query)

        def fetch(edge: int | None, _downwards: bool, count: int) -> list[Shown]:
            return audit.entries(
                verb=query.get("verb"),
                object_id=query.get("object"),
                actor=actor,
                before=edge,
                limit=count,
            )

        page = paging.cut(
            fetch,
            lambda shown: shown.index,
            cursor=_downwards(query.get("cursor")),
            limit=query["limit"],
            newest_first=True,
        )
        results = [EntrySerializer(shown).data for shown in page.items]
        return Response({**page.answer(request, results), "previous": None})


class EntryView(ApiView):
    scopes: ClassVar = {"GET": "ledger:read"}

    @extend_schema(operation_id="entries_read", responses=EntrySerializer)
    def get(self, request: Request, index: int) -> Response:
        """One sealed entry by its place."""
        return Response(EntrySerializer(audit.entry(index)).data)


class ProofView(ApiView):
    scopes: ClassVar = {"GET": "ledger:read"}
    renderer_classes = (JSONRenderer, Text)

    @extend_schema(
        operation_id="entries_proof",
        responses={
            (200, "application/json"): ProofSerializer,
            (200, _TEXT): OpenApiResponse(OpenApiTypes.STR),
        },
    )
    def get(self, request: Request, index: int) -> Response:
        """That the entry is in the ledger, under its newest checkpoint."""
        body, proof = audit.inclusion_proof(index)
        if _wants_text(request):
            return Response(proof)
        vkey = origins.current(audit.log(scope.current())).vkey
        shown = {"index": index, "entry": body.decode("ascii"), "proof": proof, "vkey": vkey}
        return Response(ProofSerializer(shown).data)


class CheckpointView(ApiView):
    scopes: ClassVar = {"GET": "ledger:read"}
    renderer_classes = (JSONRenderer, Text)

    @extend_schema(
        operation_id="checkpoint_read",
        responses={
            (200, "application/json"): CheckpointSerializer,
            (200, _TEXT): OpenApiResponse(OpenApiTypes.STR),
        },
    )
    def get(self, request: Request) -> Response:
        """The newest signed head. 404 until something was sealed."""
        log = audit.log(scope.current())
        head = audit.checkpoint(log.pk)
        if head is None:
            raise Missing("checkpoint", _("Nothing was sealed in this ledger yet."))
        if _wants_text(request):
            return Response(head.note)
        origin = origins.at(head.size, origins.of(log))
        shown = {
            "origin": origin.name,
            "size": head.size,
            "root": bytes(head.root).hex(),
            "at": head.at,
            "vkey": origin.vkey,
            "note": head.note,
        }
        return Response(CheckpointSerializer(shown).data)


def _wants_text(request: Request) -> bool:
    return getattr(request.accepted_renderer, "media_type", "") == _TEXT


def _downwards(cursor: paging.Cursor | None) -> paging.Cursor | None:
    """A cursor of another list may point up; here there is only down."""
    return paging.Cursor(cursor.key, back=False) if cursor else None


def _actor(query: Mapping[str, Any]) -> Actor | None:
    """Raises BadQuery when only one half is given: a kind alone would read the whole log."""
    given = {name: query[name] for name in ("actor", "actor_kind") if name in query}
    if len(given) == 1:
        missing = "actor_kind" if "actor" in given else "actor"
        message = _("Send actor and actor_kind together.")
        raise BadQuery([Place("parameter", missing, "required", message)])
    return Actor(given["actor_kind"], given["actor"]) if given else None
