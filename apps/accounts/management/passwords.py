"""A first password, taken where no other process of the machine can read it: never from argv."""

from __future__ import annotations

import sys
from getpass import getpass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import Invalid


def ask(*, email: str, name: str) -> str:
    """Typed twice at a terminal, else the first line of stdin. Raises Invalid when it is weak."""
    password = _typed() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise Invalid("password", " ".join(error.messages), field="password") from error
    return password


def _typed() -> str:
    password = getpass(_("Password: "))
    if getpass(_("The same again: ")) != password:
        raise Invalid("password_differs", _("You typed two passwords."), field="password")
    return password
