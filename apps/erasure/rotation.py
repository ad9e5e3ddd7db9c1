"""Another root for all key files, while the service runs (core.roots).

Order of a rotation: the seed is a file, under the root there was │ the root key's file names the
new key, which writes from now on, and the one before it, which still opens │ every key file is
wrapped anew, each replaced in one step. A crash leaves files of both, which both open: the next
run goes on. The old key is forgotten when nothing needs it any more, backups included.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.audit import services as audit
from apps.audit import signing
from apps.core import crypto, files, roots
from apps.core.actors import Actor
from apps.core.errors import Conflict, Invalid
from apps.core.locks import only_one
from apps.core.roots import KeyRoot
from apps.erasure import copies, events, replay
from apps.keys import ending
from apps.keys.models import Copy

_NEXT: Final = "next"
_OLD: Final = "old"


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many key files were wrapped anew. Not `promoted`: what an interrupted run left was
    finished, and no other key was begun. Which version of its key Vault wrapped by, it alone knows.
    """

    files: int
    promoted: bool


def prepare(*, actor: Actor) -> None:
    """A new root key that nothing is wrapped by yet, for the machines that have a copy of the file
    to get it first. Raises Invalid, Conflict."""
    with _alone():
        found = _keys()
        if any(root.state == _NEXT for root in found):
            raise Conflict("prepared", _("The next root key is in the file already."))
        roots.rewrap_seed()  # of the root there is
        _write([*found, KeyRoot(crypto.new_key(), _NEXT)])


def rotate(*, actor: Actor) -> Rotated:
    """Make the next root key the one that writes, and wrap every key file anew.

    With Vault as the root: wrap them by the newest version of its key. A run that was interrupted
    is gone on with, and makes no other key. Raises Invalid where the key is in the environment,
    Conflict while another runs, Unavailable when a file does not open.
    """
    replay.require_whole()
    with _alone():
        promoted = True if settings.LETHE_VAULT_ADDR else _promote()
        roots.rewrap_seed()
        changed = signing.rewrap_all() + copies.rewrap_all() + ending.rewrap_all(actor=actor)
        if not settings.LETHE_VAULT_ADDR:
            # Until now an old key wrapped something, and a backup may have it (`needed_until`).
            os.utime(_path())
        with transaction.atomic():
            audit.record(
                events.ROOT_ROTATED, actor=actor, log_id=audit.INSTANCE, counts={"files": changed}
            )
    return Rotated(changed, promoted)


@contextmanager
def _alone() -> Iterator[None]:
    """Two at once would each make a key, and one of them would be lost with what it wrapped."""
    with only_one("root") as mine:
        if not mine:
            raise Conflict("rotating", _("Another process is changing the root key. Try again."))
        yield


def _promote() -> bool:
    """Whether another key writes from now on; False: what an interrupted run left comes first."""
    found = _keys()
    if any(root.state == _OLD for root in found) and not _is_done():
        return False
    roots.rewrap_seed()
    coming = next((root for root in found if root.state == _NEXT), KeyRoot(crypto.new_key()))
    before = [root for root in found if root.state != _NEXT]
    _write([KeyRoot(coming.key), *(KeyRoot(root.key, _OLD) for root in before)])
    return True


def _is_done() -> bool:
    """Whether the root that writes wrapped every key file here."""
    for path in Path(settings.LETHE_KEYS_DIR).rglob("*.key"):
        with suppress(FileNotFoundError):  # its epoch ended at this moment
            if not roots.is_current(path.read_bytes()):
                return False
    return True


def needed_until() -> date | None:
    """Until when an old root key opens backups that were made under it; None: it opens none."""
    since = datetime.fromtimestamp(_path().stat().st_mtime, UTC)
    living = Copy.objects.filter(expired_at=None, made_at__lt=since)
    last: date | None = living.aggregate(last=Max("expires_on"))["last"]
    return last


def forget(*, actor: Actor) -> int:
    """Drop the old root keys from the file; how many. Raises Conflict while something needs one."""
    with _alone():
        found = _keys()
        old = [root for root in found if root.state == _OLD]
        _require_needless(old)
        _write([root for root in found if root.state != _OLD])
        with transaction.atomic():
            audit.record(
                events.ROOT_FORGOTTEN,
                actor=actor,
                log_id=audit.INSTANCE,
                counts={"keys": len(old)},
            )
    return len(old)


def _require_needless(old: list[KeyRoot]) -> None:
    if not old:
        raise Conflict("no_old_root", _("There is no old root key to forget."))
    if not _is_done():
        message = _("Some key files are still wrapped by an old root key: rotate again first.")
        raise Conflict("still_wrapped", message)
    until = needed_until()
    if until is not None:
        message = _(
            "Backups made under an old root key are kept until %(day)s: without it they could not "
            "be restored. Forget it after that day."
        )
        raise Conflict("backups_need_it", message % {"day": until.isoformat()})


def _keys() -> list[KeyRoot]:
    if settings.LETHE_ROOT_KEY:
        message = _(
            "The root key is in the environment, which no command can change: put it into a file "
            "and set LETHE_ROOT_KEY_FILE."
        )
        raise Invalid("root_key_env", message, field="LETHE_ROOT_KEY")
    return roots.held()


def _path() -> Path:
    return Path(settings.LETHE_ROOT_KEY_FILE)


def _write(found: list[KeyRoot]) -> None:
    files.replace_private(_path(), roots.spell(found).encode("ascii"))
