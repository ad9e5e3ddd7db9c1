"""The keys live in a database of their own (HOUSE §5): nothing joins the two."""

from __future__ import annotations

from typing import Any

from django.db import models


class KeysRouter:
    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return "keys" if model._meta.app_label == "keys" else "default"

    db_for_write = db_for_read

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        return self.db_for_read(type(first)) == self.db_for_read(type(second))

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label == "keys") == (db == "keys")
