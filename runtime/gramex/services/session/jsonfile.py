"""Keeps sessions in one JSON file, for those who want to read it. It is written whole at each change."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gramex.services.lock import FileLock
from gramex.services.session.counters import Counters
from gramex.services.session.memory import Table
from gramex.services.session.settings import SessionSettings
from gramex.services.session.store import Row, Rows, SessionStore

app_log = logging.getLogger("gramex")


class JSONStore(SessionStore):
    """Sessions in a file that is replaced whole, under a lock that all processes of the app respect."""

    def __init__(self, settings: SessionSettings, counters: Counters):
        """Take settings; the file is read when a session is first asked for."""
        super().__init__(settings, counters)
        self.file = settings.file
        self._table = Table()
        self._seen: Any = None  # the file's identity when it was last read
        self._purge_at = time.time() + settings.purge
        self._unwritable = False

    def _version(self) -> Any:
        # Each write makes a new file, so its inode tells; size and time tell where inodes are used again at once.
        try:
            status = self.file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> None:
        version = self._version()
        if version == self._seen:
            return
        table = Table()
        if version is not None:
            try:
                rows = json.loads(self.file.read_text(encoding="utf-8"))
                for key, row in rows.items():
                    table[bytes.fromhex(key)] = Row(json.dumps(row["data"]), float(row["expires"]))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                aside = self.file.with_name(f"{self.file.name}.damaged-{int(time.time())}")
                app_log.error("%s: holds no sessions (%s). It is kept as %s", self.file, error, aside.name)
                self.file.rename(aside)
                version = None
        self._table, self._seen = table, version

    def _get(self, key: bytes) -> Row | None:
        if not self._unwritable:
            self._read()
        return self._table.get(key)

    @contextmanager
    def _transaction(self) -> Iterator[Rows]:
        if self._unwritable:
            yield self._table
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.file.with_name(self.file.name + ".lock"))
            lock.acquire()
        except OSError as error:
            self._unwritable = True
            app_log.warning("%s: cannot be written: %s. Sessions end with this process", self.file, error.strerror)
            yield self._table
            return
        try:
            self._read()
            kept = Table(self._table)
            try:
                yield self._table
                if time.time() >= self._purge_at:
                    self._purge_at = time.time() + self.settings.purge
                    self._table.remove_ended()
                self._write()
            except BaseException:
                self._table = kept
                raise
        finally:
            lock.release()

    def _write(self) -> None:
        rows = {
            key: {"data": json.loads(row.text), "expires": round(row.expires, 3)} for key, row in self._table.encoded()
        }
        draft = self.file.with_name(self.file.name + ".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123  from a descriptor, for its mode
            json.dump(rows, stream, indent=0)
        draft.replace(self.file)
        self._seen = self._version()
