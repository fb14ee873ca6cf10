"""Keeps sessions in an SQLite file that all processes of an app share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gramex.services.session.counters import Counters
from gramex.services.session.settings import SessionSettings
from gramex.services.session.store import Row, Rows, SessionStore

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (key BLOB PRIMARY KEY, data TEXT NOT NULL, expires REAL NOT NULL, user TEXT)
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_expires ON session (expires);
CREATE INDEX IF NOT EXISTS session_user ON session (user) WHERE user IS NOT NULL
"""
WRITES = 500  # after so many the WAL file is moved into the database, by a thread


class _Table:
    def __init__(self, connection: sqlite3.Connection):
        self.connection = connection

    def get(self, key: bytes) -> Row | None:
        found = self.connection.execute("SELECT data, expires FROM session WHERE key = ?", (key,)).fetchone()
        return None if found is None else Row(*found)

    def put(self, key: bytes, row: Row, user: str | None) -> None:
        self.connection.execute(
            "INSERT INTO session (key, data, expires, user) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET data = excluded.data, expires = excluded.expires, user = excluded.user",
            (key, row.text, row.expires, user),
        )

    def delete(self, key: bytes) -> None:
        self.connection.execute("DELETE FROM session WHERE key = ?", (key,))

    def items(self) -> Iterable[tuple[bytes, Row]]:
        return self.select("SELECT key, data, expires FROM session", ())

    def select(self, query: str, parameters: tuple[Any, ...]) -> list[tuple[bytes, Row]]:
        found = self.connection.execute(query, parameters)
        return [(key, Row(text, expires)) for key, text, expires in found]


class SQLiteStore(SessionStore):
    """A table of sessions. Reading one that was read before costs one look at a counter in shared memory."""

    def __init__(self, settings: SessionSettings, counters: Counters):
        """Take settings; the file is opened when a session is first asked for."""
        super().__init__(settings, counters)
        self.file = settings.file
        self._opened: sqlite3.Connection | None = None
        self._writes = 0
        self._purge_at = 0.0
        self._tidying: threading.Thread | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            from gramex.services.session.database import open_database  # imports sqlite3, 5 ms

            self._opened = open_database(self.file, SCHEMA)
        return self._opened

    def _version(self) -> int:
        # Changes once another connection, of this process or another, has committed.
        return (self._opened or self._connection).execute("PRAGMA data_version").fetchone()[0]

    def _get(self, key: bytes) -> Row | None:
        return _Table(self._connection).get(key)

    @contextmanager
    def _transaction(self) -> Iterator[Rows]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield _Table(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._writes += 1
        if self._writes >= WRITES or time.time() >= self._purge_at:
            self._tidy()

    def _of_user(self, rows: Rows, user: str, key: str) -> list[tuple[bytes, Row]]:
        if key != "user":
            return super()._of_user(rows, user, key)
        return _Table(self._connection).select("SELECT key, data, expires FROM session WHERE user = ?", (user,))

    def purge(self) -> int:
        """Remove the sessions that have ended; how many there were."""
        with self._changing(None):
            return self._connection.execute("DELETE FROM session WHERE expires <= ?", (time.time(),)).rowcount

    def tidy(self) -> None:
        """As `SessionStore.tidy`; a thread does it."""
        with self._lock:
            self._tidy()

    def _tidy(self) -> None:
        """Start a thread that removes ended sessions and shortens the WAL file, unless one runs."""
        if self._tidying is not None and self._tidying.is_alive():
            return
        self._writes = 0
        self._purge_at = time.time() + self.settings.purge
        from gramex.services.session.database import is_kept, maintain

        arguments = (self.file, "DELETE FROM session WHERE expires <= ?", (time.time(),))
        if is_kept(self._connection):
            self._tidying = threading.Thread(target=maintain, args=arguments, name="session-purge")
            self._tidying.start()

    def close(self) -> None:
        """Close the file. Sessions stay."""
        if self._tidying is not None:
            self._tidying.join()
        with self._lock:
            super().close()
            if self._opened is not None:
                self._opened.close()
                self._opened = None
