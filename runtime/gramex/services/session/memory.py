"""Keeps sessions in memory: one process, until it ends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gramex.services.session.counters import Counters
from gramex.services.session.settings import SessionSettings
from gramex.services.session.store import Row, Rows, SessionStore


class Table(dict[bytes, Row]):
    """Rows in a dictionary. `get`, `items` are those of dict."""

    def put(self, key: bytes, row: Row, user: str | None) -> None:
        """Add or replace a row."""
        self[key] = row

    def delete(self, key: bytes) -> None:
        """Remove a row if it is there."""
        self.pop(key, None)

    def remove_ended(self) -> None:
        """Remove rows whose time is over."""
        now = time.time()
        for key in [key for key, row in self.items() if row.expires <= now]:
            del self[key]

    def encoded(self) -> Iterable[tuple[str, Row]]:
        """Return the rows with keys as text."""
        return ((key.hex(), row) for key, row in self.items())


class MemoryStore(SessionStore):
    """Sessions in a dictionary."""

    def __init__(self, settings: SessionSettings, counters: Counters):
        """Start without sessions."""
        super().__init__(settings, counters)
        self._table = Table()
        self._purge_at = time.time() + settings.purge

    def _version(self) -> int:
        return 0

    def _get(self, key: bytes) -> Row | None:
        return self._table.get(key)

    @contextmanager
    def _transaction(self) -> Iterator[Rows]:
        yield self._table
        if time.time() >= self._purge_at:
            self._purge_at = time.time() + self.settings.purge
            self._table.remove_ended()
