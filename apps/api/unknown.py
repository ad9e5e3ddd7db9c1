"""What no route of a machines' door names: a problem, never an HTML page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from apps.api import language, problems


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    with translation.override(language.of(request)):
        return problems.respond(problems.of(Http404()))
