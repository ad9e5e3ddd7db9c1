"""What may be said in the ledger, and when."""

import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from apps.audit import bodies, events, selectors, services, verbs
from apps.audit.models import Log, Pending
from apps.audit.services import INSTANCE
from apps.audit.verbs import Verb
from apps.core import canonical, scope
from apps.core.actors import Actor
from apps.core.errors import Invalid, Missing
from apps.core.ids import new_id
from tests.audit.ledger import DORA, EVERYTHING, HAPPENED, PLAIN, opened


def staged(log_id: uuid.UUID) -> list[bytes]:
    rows = Pending.objects.filter(log=log_id).order_by("id").values_list("body", flat=True)
    return [bytes(body) for body in rows][1:]  # the first says that the log was opened


@pytest.mark.django_db
def test_an_entry_says_what_it_was_given_and_nothing_more() -> None:
    log_id, target = opened(), new_id()
    services.record(HAPPENED, actor=DORA, log_id=log_id, object_id=target, **EVERYTHING)  # type: ignore[arg-type]  # one dict for all groups
    (body,) = staged(log_id)
    value = json.loads(body)
    assert uuid.UUID(value.pop("id")).version == 4
    assert datetime.fromisoformat(value.pop("at")).tzinfo == UTC
    assert value == {
        "actor": {"id": str(DORA.id), "kind": "user"},
        "facts": {
            "codes": {"how": "delete"},
            "commitments": {"reason": bytes(range(32)).hex()},
            "counts": {"count": 3},
            "dates": {"until": "2031-02-28"},
            "refs": {"policy": str(uuid.UUID(int=7))},
        },
        "log": str(log_id),
        "object": str(target),
        "v": 1,
        "verb": "test.happened",
    }


@pytest.mark.django_db
def test_every_way_of_writing_gives_the_one_canonical_spelling() -> None:
    log_id, objects = opened(), [new_id() for _ in range(3)]
    services.record(PLAIN, actor=DORA, log_id=log_id)
    services.record(HAPPENED, actor=DORA, log_id=log_id, counts={"count": 1})
    assert services.record_each(PLAIN, actor=DORA, log_id=log_id, object_ids=objects) == 3
    found = staged(log_id)
    assert all(canonical.dumps(json.loads(body)) == body for body in found)
    assert [bodies.parse(body).object for body in found] == [None, None, *objects]
    assert len({bodies.parse(body).id for body in found}) == 5


def refusals() -> list[Any]:
    wrong: list[dict[str, Any]] = [
        {"counts": {"other": 1}},
        {"counts": {"count": -1}},
        {"counts": {"count": True}},
        {"counts": {"count": 1.5}},
        {"counts": {"count": "12"}},
        {"counts": {"count": 2**63}},
        {"codes": {"how": "shred"}},
        {"codes": {"how": "delete "}},
        {"codes": {"why": "delete"}},
        {"refs": {"policy": "Ada Obscura"}},
        {"refs": {"person": uuid.UUID(int=1)}},
        {"commitments": {"reason": b"too short"}},
        {"commitments": {"reason": "0" * 64}},
        {"dates": {"until": datetime(2031, 2, 28, tzinfo=UTC)}},
        {"dates": {"until": "2031-02-28"}},
        {"notes": {"text": "anything"}},
        {"object_id": "ada@example.test"},
        {"actor": Actor("Ada Obscura", uuid.UUID(int=1))},  # type: ignore[arg-type]  # the point
        {"actor": Actor("user", "ada@example.test")},  # type: ignore[arg-type]  # the point
    ]
    return [pytest.param(case, id=str(number)) for number, case in enumerate(wrong)]


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", refusals())
def test_whatever_the_verb_does_not_declare_is_refused(wrong: dict[str, Any]) -> None:
    log_id = opened()
    with pytest.raises(Invalid) as refused:
        services.record(HAPPENED, **{"actor": DORA, "log_id": log_id, **wrong})
    assert "Ada" not in str(refused.value.message)
    assert staged(log_id) == []


@pytest.mark.django_db
def test_a_verb_that_was_not_declared_is_refused_even_under_a_known_name() -> None:
    impostor = Verb("test.passed", "Something passed", codes={"note": ("anything",)})
    with pytest.raises(Invalid):
        services.record(impostor, actor=DORA, log_id=opened(), codes={"note": "anything"})
    with pytest.raises(Invalid):
        services.record(Verb("test.unheard", "?"), actor=DORA, log_id=opened())


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused() -> None:
    log_id = opened()
    with pytest.raises(transaction.TransactionManagementError):
        services.record(PLAIN, actor=DORA, log_id=log_id)
    with pytest.raises(transaction.TransactionManagementError):
        services.record_each(PLAIN, actor=DORA, log_id=log_id, object_ids=[new_id()])
    assert staged(log_id) == []


@pytest.mark.django_db(transaction=True)
def test_a_transaction_rolled_back_leaves_no_entry_and_no_log() -> None:
    log_id, never = opened(), new_id()
    with transaction.atomic():
        services.record(PLAIN, actor=DORA, log_id=log_id)
        services.open_log(log_id=never, actor=DORA)
        transaction.set_rollback(True)
    assert staged(log_id) == []
    with pytest.raises(Missing), transaction.atomic():
        services.record(PLAIN, actor=DORA, log_id=never)
    services.open_log(log_id=never, actor=DORA)
    # Three openings (the installation's log too) and the two checkpoints it is told of.
    assert services.integrate() == 5


@pytest.mark.django_db(transaction=True)
def test_recording_is_one_statement_and_so_is_recording_for_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_id = opened()
    with transaction.atomic():
        services.record(PLAIN, actor=DORA, log_id=log_id)
    ran: list[str] = []
    monkeypatch.setattr(services, "_raw", lambda database: Watched(database, ran))
    with transaction.atomic(), CaptureQueriesContext(connection) as others:
        services.record(HAPPENED, actor=DORA, log_id=log_id, counts={"count": 1})
        services.record_each(
            PLAIN, actor=DORA, log_id=log_id, object_ids=[new_id() for _ in range(100)]
        )
    assert [statement.split()[:3] for statement in ran] == [["INSERT", "INTO", "audit_pending"]] * 2
    assert len(others) == 0
    assert len(staged(log_id)) == 102


class Watched(psycopg.Cursor[Any]):
    def __init__(self, database: Any, ran: list[str]) -> None:
        super().__init__(database.connection)
        self._ran = ran

    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        self._ran.append(query)
        return super().execute(query, *arguments, **options)


@pytest.mark.django_db
def test_the_scope_chooses_the_log() -> None:
    log_id = opened()
    with scope.enter(log_id):
        services.record(PLAIN, actor=DORA)
    assert len(staged(log_id)) == 1
    with pytest.raises(scope.ScopeError):
        services.record(PLAIN, actor=DORA)


@pytest.mark.django_db
def test_a_controller_without_a_ledger_cannot_write_but_the_installations_opens_itself() -> None:
    with pytest.raises(Missing):
        services.record(PLAIN, actor=DORA, log_id=new_id())
    services.record(PLAIN, actor=DORA, log_id=INSTANCE)
    assert Log.objects.filter(pk=INSTANCE).exists()
    assert selectors.pending(INSTANCE) == 2


@pytest.mark.django_db
def test_opening_a_log_twice_gives_the_same_log_and_key() -> None:
    log_id = opened()
    again = services.open_log(log_id=log_id, actor=DORA)
    assert again.vkey == selectors.log(log_id).vkey
    assert again.origin == f"lethe.test/log/{log_id}"
    assert selectors.pending(log_id) == 1


@pytest.mark.django_db
def test_nothing_to_record_for_no_object() -> None:
    assert services.record_each(PLAIN, actor=DORA, log_id=opened(), object_ids=[]) == 0


@pytest.mark.parametrize(
    "verb",
    [
        Verb("nodot", "x"),
        Verb("Test.passed", "x"),
        Verb("test.with space", "x"),
        Verb("test.twice", "x", counts=("n",), refs=("n",)),
        Verb("test.key", "x", counts=("No",)),
        Verb("test.code", "x", codes={"why": ("free text here",)}),
        Verb("test.passed", "declared before"),
    ],
)
def test_a_verb_is_declared_once_and_in_small_words(verb: Verb) -> None:
    with pytest.raises(ValueError, match=verb.name.split(".")[0]):
        verbs.declare(verb)


def test_an_entry_reads_as_a_sentence_with_labels_for_codes() -> None:
    facts = bodies.facts(HAPPENED, EVERYTHING)  # type: ignore[arg-type]  # one dict for all groups
    with translation.override("en"):
        assert verbs.sentence("test.happened", facts) == "3 files, deleted, until 28 February 2031"


def test_a_word_nobody_knows_any_more_still_reads_as_its_name() -> None:
    assert verbs.sentence("room.demolished", {"counts": {"n": 1}}) == "room.demolished"
    assert verbs.sentence("test.happened", {}) == "test.happened"


def test_every_declared_sentence_is_complete_with_what_its_verb_declares() -> None:
    assert events.CHECKPOINTED in verbs.registered()
    for verb in verbs.registered():
        facts: dict[str, dict[str, Any]] = {
            "counts": dict.fromkeys(verb.counts, 2),
            "dates": dict.fromkeys(verb.dates, date(2030, 1, 1).isoformat()),
            "codes": {key: next(iter(values)) for key, values in verb.codes.items()},
        }
        assert verbs.sentence(verb.name, facts) != verb.name, verb.name


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"v":2}', b'{"v":1}', b'{ "v":1}', b'{"v":1,"actor":1}'],
)
def test_bytes_that_are_no_entry_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error is one of them
        bodies.parse(body)
