"""Opens SQLite files that several processes share: private, in WAL mode, in memory where nothing can be kept."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

app_log = logging.getLogger("gramex")

BUSY = 5.0  # seconds to wait for another process that is just writing


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Return a connection to the database at `path` with the tables of `schema` (``CREATE ... IF NOT EXISTS``).

    The file gets mode 0600. One that is not a database is set aside with an error in the log. Where the folder cannot
    be written to, a warning is logged and the tables are in memory.
    """
    try:
        return _open(path, schema)
    except sqlite3.OperationalError as error:  # read-only, no space, no such folder
        return _open_memory(path, schema, str(error))
    except OSError as error:
        return _open_memory(path, schema, error.strerror or str(error))
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
        app_log.error("%s: %s. It is kept as %s, and a new one is made", path, error, aside.name)
        try:
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _open(path, schema)
        except (OSError, sqlite3.DatabaseError) as again:
            return _open_memory(path, schema, str(again))


def _open_memory(path: Path, schema: str, reason: str) -> sqlite3.Connection:
    app_log.warning(
        "%s: cannot be used: %s. What it would hold ends with this process. Make its folder writable", path, reason
    )
    connection = _connect(":memory:")
    connection.executescript(schema)
    return connection


def _connect(path: Path | str) -> sqlite3.Connection:
    # Transactions are begun and ended by hand. Stores have a lock, so threads may share the connection.
    return sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)


def _open(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)  # SQLite gives its -wal and -shm files the same mode
    connection = _connect(path)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")  # survives kill -9; no fsync in a request
        connection.execute("PRAGMA wal_autocheckpoint=0")  # the fsync of a checkpoint is for `maintain`
        connection.execute("BEGIN IMMEDIATE")  # fails here, and not later, where the file is read-only
        for statement in schema.split(";"):
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # The switch needs the file for itself for a moment, and SQLite does not wait for it by itself.
    end = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(0.01)


def is_kept(connection: sqlite3.Connection) -> bool:
    """False if the database is in memory."""
    return bool(connection.execute("PRAGMA database_list").fetchone()[2])


def maintain(path: Path, statement: str, parameters: tuple[object, ...]) -> None:
    """Run one statement, and move what is in the WAL file into the database. For a thread: it waits for the disk."""
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        app_log.warning("%s: cannot be tidied up: %s", path, error)
        return
    try:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(statement, parameters)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error as error:  # busy or full; the next time will do
        app_log.warning("%s: cannot be tidied up: %s", path, error)
    finally:
        connection.close()
