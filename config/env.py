"""Typed readers of the environment. A bad value stops the start and names the variable."""

from __future__ import annotations

import os
import re
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. See README.md, section “Settings”.")
    return value


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be true or false.")


def number(name: str, default: int, *, minimum: int = 0) -> int:
    value = os.environ.get(name, str(default)).strip()
    if not value.isdecimal() or int(value) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}.")
    return int(value)


def choice(name: str, default: str, *known: str) -> str:
    value = os.environ.get(name, "").strip() or default
    if value not in known:
        raise ImproperlyConfigured(f"{name} must be one of: {', '.join(known)}.")
    return value


def origin(name: str, default: str) -> str:
    """A schema-less URL such as lethe.example.org: it names ledgers (C2SP) and cannot hold
    spaces or a plus."""
    value = os.environ.get(name, "").strip() or default
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9._-]+)*", value):
        raise ImproperlyConfigured(f"{name} must be a name such as lethe.example.org.")
    return value


def words(name: str, default: str) -> list[str]:
    """A comma-separated list."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def database(name: str) -> dict[str, Any]:
    """A PostgreSQL URL or keyword DSN, read by libpq's own rules (so `?host=/socket` works)."""
    value = text(name)
    try:
        parts = conninfo_to_dict(value)
    except psycopg.ProgrammingError as error:
        # The message of libpq may repeat the password: name the variable only.
        raise ImproperlyConfigured(
            f"{name} is not a PostgreSQL URL, such as postgresql://user:password@host/database"
        ) from error
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database.")
    known = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    found = {known[key]: str(parts.pop(key)) for key in known if parts.get(key)}
    found["NAME"] = str(parts.pop("dbname"))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {key: item for key, item in parts.items() if item is not None},
        **found,
    }
