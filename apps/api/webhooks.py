"""What ATSs tell us. The raw bytes go to the connector, which checks their signature.

200 is answered only after the event is committed; anything else makes the vendor send again.
An unknown connection and a wrong signature get the same answer, and nothing of the payload is
repeated in any.
"""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from apps.api import language, problems
from apps.connectors import services as connectors
from apps.core.errors import Missing, Refused

#: Bytes; Greenhouse's largest documented payload is well under a tenth of it.
MAX_BODY = 1024 * 1024


@csrf_exempt
def greenhouse(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    with translation.override(language.of(request)):
        try:
            _receive(request, connection_id)
        except Exception as error:  # noqa: BLE001 - every failure is told as a problem
            response = problems.respond(problems.of(error, method=request.method or ""))
            if response.status_code == 405:
                response["Allow"] = "POST"
            return response
    return JsonResponse({"status": "received"})


def _receive(request: HttpRequest, connection_id: UUID) -> None:
    if request.method != "POST":
        raise MethodNotAllowed(str(request.method))
    if _length(request) > MAX_BODY:
        raise RequestDataTooBig
    try:
        connectors.receive(
            connection_id=connection_id, body=request.body, headers=dict(request.headers)
        )
    except (Missing, Refused) as error:
        raise Refused(
            "webhook_refused",
            _("No connection here has this address and this signature. Check both in the ATS."),
        ) from error


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
