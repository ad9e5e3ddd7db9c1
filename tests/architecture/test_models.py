"""Tables: scoped, reaching downwards only, and closed to the runtime role where they must be."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models, router

from apps.core.models import ALL_PRIVILEGES, Scoped
from apps.core.scope import ScopedManager
from tests.architecture import sources

#: A room may hold foreign keys to rooms of lower floors (HOUSE.md, "Layout").
FLOOR = {
    "core": 0, "audit": 1, "keys": 1, "controllers": 2, "accounts": 3, "connectors": 3,
    "outbox": 3,
    "subjects": 4, "consents": 5, "retention": 6, "erasure": 7, "api": 8, "console": 8,
    "portal": 8,
}  # fmt: skip
#: Django's own tables that a room may point to.
FRAMEWORK = {"auth", "contenttypes"}

#: model → why it belongs to no controller, or finds its rows otherwise.
_LOG = "the ledger knows logs, not domains; selectors ask for the log of the scope"
_KEYS = "a database of its own without foreign keys; its services add the scope's controller_id"
UNSCOPED: dict[str, str] = {
    "accounts.KeyWindow": "counts requests before the key has told its controller",
    "accounts.Membership": "is read before there is a scope: it decides which one",
    "accounts.SignInLink": "belongs to a person, who may be a member of several controllers",
    "accounts.User": "may be a member of several controllers; seen through a membership",
    "audit.Checkpoint": _LOG,
    "audit.Continuation": _LOG,
    "audit.Entry": _LOG,
    "audit.Log": _LOG,
    "audit.Pending": _LOG,
    "audit.Tile": _LOG,
    "connectors.RateWindow": "the limiter works for the installation, by connection id",
    "controllers.Controller": "is the scope itself",
    "erasure.Restore": "is about the whole database, before any scope",
    "keys.BlindIndex": _KEYS,
    "keys.Copy": _KEYS,
    "keys.Epoch": _KEYS,
    "keys.Journal": _KEYS,
    "keys.SubjectKey": _KEYS,
    "keys.Tombstone": _KEYS,
    "subjects.Change": "a mark beside a record, reached through it; SQL adds the controller",
}


def _ours() -> Iterator[type[models.Model]]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label in FLOOR:
            yield model


def test_foreign_keys_point_downwards() -> None:
    upwards = [
        f"{model._meta.label}.{field.name} → {target._meta.label}"
        for model in _ours()
        for field in model._meta.get_fields()
        if field.concrete and isinstance(target := field.related_model, type)
        if target._meta.app_label != model._meta.app_label
        and target._meta.app_label not in FRAMEWORK
        and FLOOR[target._meta.app_label] >= FLOOR[model._meta.app_label]
    ]
    assert upwards == []


def test_no_foreign_key_leaves_the_keys_database() -> None:
    crossing = [
        f"{model._meta.label}.{field.name}"
        for model in _ours()
        for field in model._meta.get_fields()
        if field.concrete and isinstance(target := field.related_model, type)
        if router.db_for_write(model) != router.db_for_write(target)
    ]
    assert crossing == []


def test_every_model_is_scoped_or_on_the_list() -> None:
    open_models = {
        model._meta.label
        for model in _ours()
        if not issubclass(model, Scoped) and not model._meta.auto_created
    }
    assert open_models == UNSCOPED.keys()


def test_every_scoped_model_is_read_through_its_scope_only() -> None:
    leaking = [
        f"{model._meta.label}.{manager.name}"
        for model in _ours()
        if issubclass(model, Scoped)
        for manager in model._meta.managers
        if not isinstance(manager, ScopedManager)
    ]
    assert leaking == []


def test_a_scoped_model_names_its_controller() -> None:
    nameless = [
        model._meta.label
        for model in _ours()
        if issubclass(model, Scoped)
        and not {"controller", "controller_id"} & {field.name for field in model._meta.fields}
    ]
    assert nameless == []


def test_privileges_are_privileges() -> None:
    for model in _ours():
        privileges = getattr(model, "privileges", ALL_PRIVILEGES)
        assert set(privileges) <= set(ALL_PRIVILEGES), model._meta.label


def test_every_room_with_models_has_a_floor() -> None:
    assert {path.parent.name for path in sources.files("apps") if path.name == "apps.py"} <= set(
        FLOOR
    )


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=1)
