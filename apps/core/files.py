"""Key files: written once, mode 0600, complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def write_private(path: Path, content: bytes) -> None:
    """Raises FileExistsError when the file is there: a key is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)


def replace_private(path: Path, content: bytes) -> None:
    """The same key in other words: the new file takes the place of the old in one step, whose
    content is overwritten afterwards. Raises FileNotFoundError when there is none: what was
    destroyed does not come back. One caller at a time."""
    _sweep(path)
    with path.open("r+b") as old:
        draft = _draft(path, content)
        try:
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_directory(path.parent)
        _blot(old)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _blot(file: BinaryIO) -> None:
    file.write(os.urandom(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())


def drafts(path: Path) -> list[Path]:
    """What a killed process left of a file it was writing: the same secret under another name."""
    return list(path.parent.glob(f".{path.name}.*"))


def _sweep(path: Path) -> None:
    for draft in drafts(path):
        _destroy(draft)


def destroy(path: Path) -> None:
    """Overwrite, then remove, with whatever a killed process left of it. On a journalling or
    copy-on-write disk old blocks may remain."""
    _sweep(path)
    _destroy(path)


def _destroy(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            _blot(file)
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
