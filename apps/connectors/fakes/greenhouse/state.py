"""The account's whole state in one SQLite file: it survives the death of the process.

Every vendor object is a row with its JSON text, ASCII-escaped as the vendor sends it, and
the few columns lists are filtered by. One connection behind one lock: the statements are
short, and a fake that is simple is worth more than one that is parallel.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import instants

Json = dict[str, Any]

#: Ids the control plane gives out begin here, above every invented one.
FIRST_FREE_ID = 9_000_000_000

_TABLES = """
CREATE TABLE IF NOT EXISTS entity (
    kind TEXT NOT NULL, id INTEGER NOT NULL,
    candidate_id INTEGER, application_id INTEGER, job_id INTEGER,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_activity_at TEXT,
    doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lookup (word TEXT NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS merged (id INTEGER PRIMARY KEY, into_id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS token (
    digest TEXT PRIMARY KEY, client_id TEXT NOT NULL, sub TEXT NOT NULL,
    scopes TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS fault (
    n INTEGER PRIMARY KEY, name TEXT NOT NULL, candidate_ids TEXT, times INTEGER,
    settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS journal (
    n INTEGER PRIMARY KEY, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, candidate_ids TEXT NOT NULL, status INTEGER, effect INTEGER NOT NULL,
    fault TEXT, request_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effect (
    n INTEGER PRIMARY KEY, at TEXT NOT NULL, candidate_id INTEGER NOT NULL,
    action TEXT NOT NULL, fields TEXT NOT NULL, request_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delayed (
    n INTEGER PRIMARY KEY, due REAL NOT NULL, candidate_id INTEGER NOT NULL,
    fields TEXT NOT NULL, claimed TEXT NOT NULL, request_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    n INTEGER PRIMARY KEY, event_id TEXT NOT NULL, action TEXT NOT NULL,
    candidate_id INTEGER, body TEXT, attempts INTEGER NOT NULL DEFAULT 0,
    due REAL, status INTEGER, delivered_at TEXT);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

# Lists run by descending id; the columns they filter on lie in the index, so that a page
# which skips rows never reads their JSON.
_INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS entity_id
    ON entity (kind, id, updated_at, created_at, last_activity_at);
CREATE INDEX IF NOT EXISTS entity_candidate ON entity (kind, candidate_id, id);
CREATE INDEX IF NOT EXISTS entity_application ON entity (kind, application_id, id)
    WHERE application_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS lookup_value ON lookup (word, value);
CREATE INDEX IF NOT EXISTS lookup_id ON lookup (id);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due) WHERE due IS NOT NULL;
"""


#: JSON as the vendor writes it: Unicode escaped, no spaces.
dumps = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def _row(kind: str, doc: Json) -> tuple[Any, ...]:
    candidate_id = doc["id"] if kind == "candidate" else doc.get("candidate_id")
    created_at = doc.setdefault("created_at", instants.now())
    return (
        kind,
        doc["id"],
        candidate_id,
        doc.get("application_id"),
        doc.get("job_id"),
        created_at,
        doc.setdefault("updated_at", created_at),
        doc.get("last_activity_at"),
        dumps(doc),
    )


def _lookups(doc: Json) -> Iterator[tuple[str, str, int]]:
    for address in doc.get("email_addresses", ()):
        yield "email", address["value"].lower(), doc["id"]
    for tag in doc.get("tags", ()):
        yield "tag", tag, doc["id"]


class State:
    """The rows of one account. Every method takes the lock; `transaction` holds it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # secure_delete zeroes what was erased; moved pages may keep a copy until `compact`.
        self._db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
            "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000;" + _TABLES
        )
        if self.empty:
            return
        self._db.executescript(_INDEXES)

    @property
    def empty(self) -> bool:
        return self.one("SELECT 1 FROM entity LIMIT 1") is None

    def compact(self) -> None:
        """Rewrite the file: what was erased is then in no page and no journal of it."""
        with self.lock:
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self.lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nests by joining the outer one."""
        with self.lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Rows changed."""
        with self.lock:
            return self._db.execute(sql, values).rowcount

    def insert(self, sql: str, values: Sequence[Any] = ()) -> int:
        """The new row's number."""
        with self.lock:
            return self._db.execute(sql, values).lastrowid or 0

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        with self.lock:
            row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return row

    def load(self, rows: Iterable[tuple[str, Json]]) -> None:
        """Many new rows into an empty state: the indexes are made afterwards."""
        with self.transaction():
            self._db.executemany(
                "INSERT INTO entity VALUES (?,?,?,?,?,?,?,?,?)", self._load_rows(rows)
            )
            for statement in _INDEXES.strip().split(";"):
                self._db.execute(statement)

    def _load_rows(self, rows: Iterable[tuple[str, Json]]) -> Iterator[tuple[Any, ...]]:
        for kind, doc in rows:
            if kind == "candidate":
                self._db.executemany("INSERT INTO lookup VALUES (?,?,?)", _lookups(doc))
            yield _row(kind, doc)

    def get(self, kind: str, id_: int) -> Json | None:
        row = self.one("SELECT doc FROM entity WHERE kind=? AND id=?", (kind, id_))
        return None if row is None else json.loads(row["doc"])

    def of_candidate(self, kind: str, candidate_id: int) -> list[Json]:
        """Rows of that kind which hang on the candidate, oldest first."""
        rows = self.all(
            "SELECT doc FROM entity WHERE kind=? AND candidate_id=? ORDER BY id",
            (kind, candidate_id),
        )
        return [json.loads(row["doc"]) for row in rows]

    def of_applications(self, kind: str, application_ids: Sequence[int]) -> list[Json]:
        # `+id` keeps SQLite from walking all rows of the kind in the order of their ids.
        rows = self.all(
            "SELECT doc FROM entity WHERE kind=? AND application_id IN"
            " (SELECT value FROM json_each(?)) ORDER BY +id",
            (kind, dumps(list(application_ids))),
        )
        return [json.loads(row["doc"]) for row in rows]

    def put(self, kind: str, doc: Json) -> Json:
        """Write the row, whether new or not; `updated_at` is the caller's to move."""
        with self.transaction():
            self._db.execute("DELETE FROM entity WHERE kind=? AND id=?", (kind, doc["id"]))
            self._db.execute("INSERT INTO entity VALUES (?,?,?,?,?,?,?,?,?)", _row(kind, doc))
            if kind == "candidate":
                self._db.execute("DELETE FROM lookup WHERE id=?", (doc["id"],))
                self._db.executemany("INSERT INTO lookup VALUES (?,?,?)", _lookups(doc))
        return doc

    def drop(self, kind: str, id_: int) -> bool:
        with self.transaction():
            if kind == "candidate":
                self._db.execute("DELETE FROM lookup WHERE id=?", (id_,))
            return self.execute("DELETE FROM entity WHERE kind=? AND id=?", (kind, id_)) > 0

    def new_id(self) -> int:
        with self.transaction():
            taken = int(self.setting("last_id", FIRST_FREE_ID)) + 1
            self.set_setting("last_id", taken)
        return taken

    def setting(self, name: str, default: Any) -> Any:
        row = self.one("SELECT value FROM setting WHERE name=?", (name,))
        return default if row is None else json.loads(row["value"])

    def set_setting(self, name: str, value: Any) -> None:
        self.execute("INSERT OR REPLACE INTO setting VALUES (?,?)", (name, json.dumps(value)))
