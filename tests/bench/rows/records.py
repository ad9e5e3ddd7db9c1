"""A million records and their applications, loaded as the superuser: set-up, not measured.

One establishment in France. Dates lie as in a controller that erases what is due: about one
record in a hundred has ended, the others are spread over their periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from apps.connectors import services as connectors
from apps.core import clock, scope
from apps.retention import services as retention
from tests.bench.rounds import say
from tests.bench.rows import stage
from tests.bench.rows.stage import Company

#: One record in so many is due.
DUE_ONE_IN: Final = 100


def _id(kind: int) -> str:
    return f"('0193000{kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"


_SUBJECTS: Final = f"""
    INSERT INTO subjects_subject (id, controller_id, state, archived)
    SELECT {_id(1)}, %(controller)s, 'living', 0 FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters
_RECORDS: Final = f"""
    INSERT INTO subjects_record (id, controller_id, subject_id, connection_id, remote_digest,
        state, origin, version, collected_on, collected_quality, talent_pool, fingerprint)
    SELECT {_id(2)}, %(controller)s, {_id(1)}, %(connection)s, sha256(n::text::bytea),
        'present', 'applied', 1, NULL, 'missing', false, sha256(('f' || n)::bytea)
    FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters
# `days` is the period of the rule that decides: one in DUE_ONE_IN ended up to a month ago, the
# others run from a day of the period, in no order. 7,919 and 104,729 are primes.
_APPLICATIONS: Final = f"""
    INSERT INTO subjects_application (id, controller_id, record_id, remote_digest, state,
        prospect, job, country, applied_on, applied_quality, closed_on, closed_quality,
        rejected_notified_on, rejected_notified_quality, hire_started_quality)
    SELECT {{id}}, %(controller)s, {_id(2)}, sha256(('{{kind}}' || n)::bytea), '{{state}}',
        false, '{{job}}', 'FR', anchor, 'exact', {{closed}}, '{{quality}}', {{closed}},
        '{{quality}}', 'missing'
    FROM (
        SELECT n, %(today)s::date - CASE
            WHEN {{ended}}
                THEN {{days}} + 2 + (n::bigint * 104729 %% 30)::int
            ELSE (n::bigint * 104729 %% ({{days}} - 4))::int END AS anchor
        FROM generate_series(1, %(size)s) AS n WHERE {{share}}
    ) spread
"""  # noqa: S608 - constants only; values are parameters
# The same with sealed values of their usual sizes, and who is found by what in the keys database.
_SEALED: Final = "decode(md5('{0}' || n) || md5('{0}x' || n) || md5('{0}y' || n), 'hex')"
_SUBJECTS_SEALED: Final = f"""
    INSERT INTO subjects_subject (id, controller_id, state, archived, sealed_name, sealed_emails,
        sealed_phones)
    SELECT {_id(1)}, %(controller)s, 'living', 0, {_SEALED.format("n")}, {_SEALED.format("e")},
        {_SEALED.format("p")} FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters
_RECORDS_SEALED: Final = f"""
    INSERT INTO subjects_record (id, controller_id, subject_id, connection_id, remote_digest,
        sealed_remote_id, state, origin, version, collected_on, collected_quality, talent_pool,
        fingerprint)
    SELECT {_id(2)}, %(controller)s, {_id(1)}, %(connection)s, sha256(n::text::bytea),
        {_SEALED.format("r")}, 'present', 'applied', 1, NULL, 'missing', false,
        sha256(('f' || n)::bytea)
    FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters
#: Who has ended: anybody, far apart; or the first who came, which is who ends first in life too.
_ANYBODY: Final = f"n::bigint * 7919 %% 1000003 %% {DUE_ONE_IN} = 0"
_FIRST: Final = f"n <= %(size)s / {DUE_ONE_IN}"
_TABLES: Final = (
    "retention_ground",
    "subjects_change",
    "subjects_application",
    "subjects_record",
    "subjects_subject",
)


@dataclass(frozen=True, slots=True)
class Estate:
    company: Company
    connection_id: UUID
    policy_id: UUID
    today: date


def subject_id(n: str) -> str:
    """SQL for the id of the n-th person."""
    return _id(1).replace("to_hex(n)", f"to_hex({n})")


def estate(name: str) -> Estate:
    """A legal entity under a signed policy, with a connection and no records yet."""
    company = stage.company(name)
    with scope.enter(company.id):
        policy = retention.load_policy(actor=company.dpo, pack="fr-cnil")
        retention.sign(actor=company.dpo, policy_id=policy.pk)
        retention.sign(actor=company.recops, policy_id=policy.pk)
        today = clock.today("Europe/Paris")
        retention.activate(actor=company.dpo, policy_id=policy.pk, active_from=today)
        connection = connectors.connect(
            actor=company.dpo, name="Export", vendor="csv", country="FR"
        )
    return Estate(company, connection.pk, policy.pk, today)


def load_alone(estate: Estate, size: int) -> None:
    """One application each, spontaneous, so one ground each (P3M)."""
    _load(estate, size, [_spontaneous("true")])


def load_several(estate: Estate, size: int) -> None:
    """Of ten records seven have one ground, and three have two or three: rejected (P3M) with
    its evidence archive (P5Y), every second time with a spontaneous application as well."""
    rejected = _APPLICATIONS.format(
        id=_id(4),
        kind="r",
        state="rejected",
        job="2001",
        closed="anchor",
        quality="exact",
        days=1826,
        share="n %% 10 < 3",
        ended=_ANYBODY,
    )
    _load(estate, size, [_spontaneous("n %% 10 >= 3 OR n / 10 %% 2 = 0"), rejected])


def _spontaneous(share: str, ended: str = _ANYBODY) -> str:
    return _APPLICATIONS.format(
        id=_id(3),
        kind="s",
        state="open",
        job="",
        closed="NULL",
        quality="missing",
        days=92,
        share=share,
        ended=ended,
    )


def load_sealed(estate: Estate, size: int) -> None:
    """As `load_alone`, with everything that is sealed of a person, and due are those who came
    first: rows lie in the order of time."""
    people = (_SUBJECTS_SEALED, _RECORDS_SEALED)
    _load(estate, size, [_spontaneous("true", _FIRST)], people)


def _load(
    estate: Estate,
    size: int,
    applications: list[str],
    people: tuple[str, str] = (_SUBJECTS, _RECORDS),
) -> None:
    say(f"loading {size:,} records")
    given = {
        "controller": estate.company.id,
        "connection": estate.connection_id,
        "today": estate.today,
        "size": size,
    }
    stage.empty(*_TABLES)
    with stage.admin() as it:
        it.execute("SET session_replication_role = replica")
        for statement in (*people, *applications):
            it.execute(statement.encode(), given)
        it.execute("VACUUM (ANALYZE)")
