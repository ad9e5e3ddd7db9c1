"""One tree of errors for the domain; doors translate it once (RFC 9457, or a message).

A message says what is wrong and what to do, in the reader's language, and never holds
personal data: it may end in a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class DomainError(Exception):
    """`code` is stable English for machines; `message` is translated for people."""

    def __init__(self, code: str, message: _StrOrPromise, *, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field


class Invalid(DomainError):
    """The input is wrong; `field` names the place."""


class Refused(DomainError):
    """The actor, or a rule such as a hold, does not allow this."""


class Missing(DomainError):
    """There is no such thing inside this scope."""


class Conflict(DomainError):
    """The state has moved on: read again, then decide."""


class Unavailable(DomainError):
    """A key, a limiter, a policy or a service is missing: stop, do not guess."""
