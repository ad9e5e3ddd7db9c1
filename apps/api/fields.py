"""Fields that take exactly what the OpenAPI document says, in one spelling.

REST framework's own are lenient (a number for a text, a UUID without dashes) and some repeat
the value in their message. A serializer here refuses fields it does not know: a misspelt
optional field would otherwise be lost in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from apps.api.problems import BadBody, BadQuery, Place

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(_DAY.pattern + r"T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[a-z][a-z_]{0,39}")
NOT_AN_EMAIL = _("This is not an e-mail address.")


class Text(serializers.CharField):
    """A text: no number in its place."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Id(serializers.UUIDField):
    """A UUID in its usual spelling."""

    default_error_messages: ClassVar = {"invalid": _("This is not a UUID.")}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _ID.fullmatch(data):
            self.fail("invalid")
        return UUID(data)


class Day(serializers.DateField):
    """A local date, `YYYY-MM-DD`."""

    default_error_messages: ClassVar = {"invalid": _("Write the date as YYYY-MM-DD.")}

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not _DAY.fullmatch(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Instant(serializers.DateTimeField):
    """An instant with its offset (RFC 3339): without one nobody knows which it is."""

    default_error_messages: ClassVar = {
        "invalid": _("Write the instant as 2026-01-31T08:00:00Z, with its offset."),
        "overflow": _("Write the instant as 2026-01-31T08:00:00Z, with its offset."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not _INSTANT.fullmatch(data):
            self.fail("invalid")
        try:
            return super().to_internal_value(data).astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


class Choice(serializers.ChoiceField):
    """One of a few words; the message names them and not what was sent."""

    default_error_messages: ClassVar = {"invalid_choice": _("Choose one of: {known}.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", known=", ".join(map(str, self.choices)))
        return data


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know, and a body that is no object."""

    default_error_messages: ClassVar = {
        "invalid": _("Send a JSON object."),
        "unknown": _("There is no such field here."),
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            message = ErrorDetail(str(self.error_messages["invalid"]), code="invalid")
            raise ValidationError({"non_field_errors": [message]})
        unknown = [name for name in data if name not in self.fields]
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**_as_dict(error), **self._unknown(unknown)}) from error
        if unknown:
            raise ValidationError(self._unknown(unknown))
        return values

    def _unknown(self, names: Sequence[str]) -> dict[str, list[ErrorDetail]]:
        message = ErrorDetail(str(self.error_messages["unknown"]), code="unknown")
        return {name: [message] for name in names}


def body(shape: type[Strict], data: Any) -> dict[str, Any]:
    """The valid values of a body. Raises BadBody, with a pointer to each place."""
    found = shape(data=data)
    if not found.is_valid():
        raise BadBody(list(_places("pointer", found.errors)))
    return dict(found.validated_data)


def query(shape: type[Strict], data: Mapping[str, Any]) -> dict[str, Any]:
    """The valid parameters of a URL. Raises BadQuery, naming each parameter."""
    found = shape(data=data)
    if not found.is_valid():
        raise BadQuery(list(_places("parameter", found.errors)))
    return dict(found.validated_data)


def _places(kind: str, errors: Mapping[str, Any]) -> Iterator[Place]:
    for name, details in errors.items():
        # What stands at a place of the client's own naming is said of the whole.
        known = _NAME.fullmatch(name) and name != "non_field_errors"
        place = ("/" + name if kind == "pointer" else name) if known else ""
        yield from (Place(kind, place, detail.code, str(detail)) for detail in details)


def _as_dict(error: ValidationError) -> dict[str, Any]:
    return dict(error.detail) if isinstance(error.detail, dict) else {}
