"""What a key may do: each view says which scope each of its methods needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts.models import ApiKey

if TYPE_CHECKING:
    # At run time REST framework's views import this module (settings).
    from rest_framework.views import APIView


class HasScope(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        """False without a key (401). Raises PermissionDenied naming the missing scope."""
        if not isinstance(request.auth, ApiKey):
            return False
        scopes: Mapping[str, str] = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in scopes:
            # Only a method that the view does not offer has no scope: 405 follows.
            return method.lower() not in view.http_method_names or not hasattr(view, method.lower())
        if scopes[method] in request.auth.scopes:
            return True
        raise PermissionDenied(
            _("This key lacks the scope %(scope)s. Ask for a key that has it.")
            % {"scope": scopes[method]},
            code="scope_missing",
        )
