"""`field__any=ids`: one array beside the statement, where `__in` writes a parameter for each id.

For sets of thousands: Django and the driver take some fifteen microseconds for each parameter of
an `IN`, which is as much as PostgreSQL takes to change the row; for each item of a list, some
five. An `array` is made once and serves every statement about the same ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NewType
from uuid import UUID

from django.db.models import ForeignKey, Lookup, UUIDField
from django.db.models.sql.compiler import SQLCompiler

#: Ids as PostgreSQL writes an array.
Array = NewType("Array", str)


def array(ids: Array | Iterable[UUID]) -> Array:
    """These ids as one value for `%s::uuid[]`."""
    return ids if isinstance(ids, str) else Array(f"{{{','.join([one.hex for one in ids])}}}")


def bytes_array(values: Iterable[bytes]) -> str:
    """These values as one for `%s::bytea[]`."""
    return "{" + ",".join([rf'"\\x{one.hex()}"' for one in values]) + "}"


def numbers_array(values: Iterable[int | None]) -> str:
    """These whole numbers as one value for `%s::bigint[]`."""
    return f"{{{','.join(['NULL' if one is None else str(one) for one in values])}}}"


class AnyOf(Lookup):
    """= ANY of UUIDs, or of an `array` of them."""

    lookup_name = "any"

    def get_prep_lookup(self) -> Array:
        return array(self.rhs)

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::uuid[])", (*parameters, self.rhs)


def install() -> None:
    for field in (UUIDField, ForeignKey):
        field.register_lookup(AnyOf)
