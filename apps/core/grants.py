"""What the runtime role may do: granted after every migration, derived from the models.

The runtime role owns nothing. Each model says in `privileges` what the role may do with its
table; a room lists in `FUNCTIONS` (in its models module) the functions the role may call.
"""

from __future__ import annotations

import importlib

from django.apps import apps
from django.db import connections, router
from django.db.backends.utils import CursorWrapper

from apps.core.models import ALL_PRIVILEGES


def apply(alias: str, *, role: str) -> None:
    """Grant on database `alias`; the connection must be the owner's. Idempotent."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(role)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        for table, privileges in _tables(alias).items():
            name = connection.ops.quote_name(table)
            cursor.execute(f"REVOKE ALL ON {name} FROM {quoted}")
            cursor.execute(f"GRANT {', '.join(privileges)} ON {name} TO {quoted}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        _grant_functions(cursor, alias, quoted)


def _tables(alias: str) -> dict[str, tuple[str, ...]]:
    existing = set(connections[alias].introspection.table_names())
    tables: dict[str, tuple[str, ...]] = {"django_migrations": ("SELECT",)}
    for model in apps.get_models(include_auto_created=True):
        if router.allow_migrate_model(alias, model):
            privileges = getattr(model, "privileges", ALL_PRIVILEGES)
            tables[model._meta.db_table] = privileges
    return {table: privileges for table, privileges in tables.items() if table in existing}


def _grant_functions(cursor: CursorWrapper, alias: str, role: str) -> None:
    for config in apps.get_app_configs():
        if not config.name.startswith("apps.") or config.models_module is None:
            continue
        module = importlib.import_module(f"{config.name}.models")
        if getattr(module, "FUNCTIONS_DATABASE", "default") != alias:
            continue
        for signature in getattr(module, "FUNCTIONS", ()):
            cursor.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}")
