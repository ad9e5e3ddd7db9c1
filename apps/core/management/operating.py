"""What the operator's commands share: a refusal of the domain is a message, not a traceback."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import DomainError


class OperatorCommand(BaseCommand):
    """A verb of the operator's. What scripts need is on stdout: ids first, one thing a line."""

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            self.act(**options)
        except DomainError as error:
            raise CommandError(_told(error)) from error

    def act(self, **options: Any) -> None:
        raise NotImplementedError


def _told(error: DomainError) -> str:
    return f"{error.message} ({error.field})" if error.field else str(error.message)
