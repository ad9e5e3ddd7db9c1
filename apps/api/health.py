"""`/healthz`: the process answers. `/readyz`: it can do its work, or 503 and why, by code.

Fails closed: what cannot be checked is not ready. No key is needed, so nothing is told but
codes of parts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from apps.api import language, problems
from apps.api.problems import Place, Problem
from apps.core import crypto, roots
from apps.core.errors import DomainError
from apps.erasure import replay


@csrf_exempt
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    return _private(JsonResponse({"status": "ok"}))


@csrf_exempt
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    missing = list(_missing())
    if not missing:
        return _private(JsonResponse({"status": "ready"}))
    with translation.override(language.of(request)):
        detail = _("Some parts do not answer: see errors.")
        errors = [Place("part", code, code, TOLD.get(code, SILENT)) for code in missing]
        headers = {"Retry-After": str(problems.RETRY_AFTER)}
        return problems.respond(Problem(503, "not_ready", detail, errors, headers))


def _missing() -> Iterator[str]:
    for code, check in CHECKS.items():
        if not check():
            yield code


def _answers(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _migrated() -> bool:
    """Every migration this code knows has run in both databases."""
    try:
        return all(
            _known() <= set(MigrationRecorder(connections[alias]).applied_migrations())
            for alias in settings.DATABASES
        )
    except DatabaseError:
        return False


@cache
def _known() -> frozenset[tuple[str, str]]:
    """(app, migration) of this code; it does not change while the process lives."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return frozenset(loader.disk_migrations)


def _root_key() -> bool:
    try:
        roots.check()
    except (DomainError, crypto.CryptoError, OSError):
        return False
    return True


def _keys_directory() -> bool:
    """Epoch and signing keys are files: without them nothing can be opened or signed."""
    directory = settings.LETHE_KEYS_DIR
    return directory.is_dir() and os.access(directory, os.R_OK | os.W_OK | os.X_OK)


def _whole() -> bool:
    """Not restored from a backup without what was erased since."""
    try:
        return replay.standing() == "whole"
    except DatabaseError:
        return True  # the part that does not answer is named by its own check


SILENT = _("This part does not answer.")
TOLD = {"restored": _("Restored from a backup: see manage.py replay_erasures.")}
CHECKS: Mapping[str, Callable[[], bool]] = {
    "database": lambda: _answers("default"),
    "keys_database": lambda: _answers("keys"),
    "migrations": _migrated,
    "restored": _whole,
    "root_key": _root_key,
    "keys_directory": _keys_directory,
}


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
