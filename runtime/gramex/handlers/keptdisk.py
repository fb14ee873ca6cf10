"""Keeps answers in an SQLite file: they outlive a restart, and processes on one data folder share them."""

from __future__ import annotations

import atexit
import sqlite3
import threading
import time
from pathlib import Path

from gramex.handlers.caching import Kept, app_log, cost
from gramex.handlers.keptform import pack, unpack
from gramex.services.session.database import open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, answer BLOB NOT NULL, size INTEGER NOT NULL,
  expires REAL NOT NULL, used REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answer_used ON answer (used);
CREATE INDEX IF NOT EXISTS answer_expires ON answer (expires)
"""
NOTED = 60.0  # seconds after which it is noted again that an answer was used: reading should not always write
CHECKED = 100  # answers are kept between two looks at the WAL file


class DiskStore:
    """Answers in a file, about `size` bytes at most; those that were not asked for longest go first."""

    threads = None  # faster than to hand it over

    def __init__(self, file: Path, size: int):
        """Name the file; it is opened at the first use."""
        self.file, self.size = file, size
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._puts = 0

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key, if it has not expired."""
        now = time.time()
        try:
            with self._lock:
                found = self._connection.execute(
                    "SELECT answer, used FROM answer WHERE key = ? AND expires > ?", (key, now)
                ).fetchone()
                if found is None:
                    return None
                if now - found[1] > NOTED:
                    self._connection.execute("UPDATE answer SET used = ? WHERE key = ?", (now, key))
            return unpack(found[0])
        except (sqlite3.Error, ValueError) as error:
            app_log.warning("%s: %s", self.file, error)
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        size, now = cost(key, kept), time.time()
        if size > self.size:
            return
        answer, expires = pack(kept)
        try:
            with self._lock:
                connection = self._connection
                connection.execute("BEGIN IMMEDIATE")
                try:
                    connection.execute("DELETE FROM answer WHERE expires <= ?", (now,))
                    connection.execute(
                        "INSERT OR REPLACE INTO answer (key, answer, size, expires, used) VALUES (?, ?, ?, ?, ?)",
                        (key, answer, size, expires, now),
                    )
                    self._shrink(connection)
                finally:
                    connection.execute("COMMIT")
                self._puts += 1
                if self._puts % CHECKED == 0:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:  # busy or full: the answer is sent all the same
            app_log.warning("%s: %s", self.file, error)

    def _shrink(self, connection: sqlite3.Connection) -> None:
        (total,) = connection.execute("SELECT total(size) FROM answer").fetchone()
        while total > self.size:
            oldest = connection.execute("SELECT key, size FROM answer ORDER BY used, key LIMIT 100").fetchall()
            for key, size in oldest:
                if total <= self.size:
                    break
                connection.execute("DELETE FROM answer WHERE key = ?", (key,))
                total -= size

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._opened = open_database(self.file, SCHEMA)
            atexit.register(self._opened.close)
        return self._opened
