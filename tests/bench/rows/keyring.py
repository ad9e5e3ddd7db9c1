"""Keys of as many people as there are records, loaded as the superuser: set-up, not measured."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.keys.models import Epoch
from tests.bench.rounds import say
from tests.bench.rows import records, stage

_KEYS: Final = f"""
    INSERT INTO keys_subjectkey (subject_id, controller_id, epoch_id, wrapped)
    SELECT {records.subject_id("n")}, %(controller)s, %(epoch)s,
        decode(md5('k' || n) || md5('l' || n) || md5('m' || n) || md5('o' || n), 'hex')
    FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters
_FOUND: Final = f"""
    INSERT INTO keys_blindindex (controller_id, kind, digest, epoch_id, subject_id)
    SELECT %(controller)s, 'email', sha256(('b' || n)::bytea), %(epoch)s, {records.subject_id("n")}
    FROM generate_series(1, %(size)s) AS n
"""  # noqa: S608 - constants only; values are parameters


def load(controller_id: UUID, size: int) -> None:
    """A key and one address each, of an epoch that began before. The keys open nothing."""
    say(f"loading {size:,} keys")
    with scope.enter(controller_id):
        keys.new([new_id()], actor=SYSTEM)
        epoch = Epoch.objects.get(controller_id=controller_id)
    given = {"controller": controller_id, "epoch": epoch.pk, "size": size}
    with stage.admin("lethe_keys") as it:
        it.execute("SET session_replication_role = replica")
        for statement in (_KEYS, _FOUND):
            it.execute(statement.encode(), given)
        it.execute("VACUUM (ANALYZE)")
