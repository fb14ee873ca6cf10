"""What every session store does: finds, changes, moves and ends sessions, and remembers those it read."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from datetime import time as clock_time
from json import JSONDecoder, JSONEncoder
from typing import Any, NamedTuple, Protocol

from gramex.config.view import View
from gramex.services.session.asking import Asking
from gramex.services.session.counters import Counters
from gramex.services.session.settings import SessionSettings

REMEMBERED = 4096  # sessions kept in memory, about 2 KiB each


def _default(value: Any) -> Any:
    if isinstance(value, (date, datetime, clock_time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be kept in a session: use text, numbers, lists and mappings")


encode = JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_default).encode
decode = JSONDecoder().decode
decode_views = JSONDecoder(object_pairs_hook=View).decode  # for apps, which write handler.current_user.id


class Row(NamedTuple):
    """A session as it is kept: JSON text, and the time at which it ends in seconds since the epoch."""

    text: str
    expires: float


class Rows(Protocol):
    """The kept sessions, inside a transaction. Keys are digests of session ids."""

    def get(self, key: bytes) -> Row | None:
        """Return a row."""

    def put(self, key: bytes, row: Row, user: str | None) -> None:
        """Add or replace a row; `user` is the id of the user that is logged in with it."""

    def delete(self, key: bytes) -> None:
        """Remove a row if it is there."""

    def items(self) -> Iterable[tuple[bytes, Row]]:
        """Return all rows."""


class Record:
    """A session that was read. `data` is shared by all who ask: never change it, take a `copy()`."""

    __slots__ = ("_data", "expires", "text", "version")

    def __init__(self, text: str, expires: float, version: Any):
        self.text = text
        self.expires = expires
        self.version = version
        self._data: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """What the session holds."""
        if self._data is None:
            self._data = decode(self.text)
        return self._data

    def copy(self) -> dict[str, Any]:
        """What the session holds, as a copy at any depth. Text keys of mappings are attributes, too."""
        return decode_views(self.text)


def key_of(id: str) -> bytes:
    """Return the key of a session: who can read the store cannot make a cookie from it."""
    return hashlib.sha256(id.encode()).digest()[:24]


def user_of(data: Mapping[str, Any]) -> str | None:
    """Return the id of the user that a session's data name, None without one."""
    user = data.get("user")
    id = user.get("id") if isinstance(user, Mapping) else user
    return None if id is None else str(id)


class SessionStore(Asking):
    """Sessions by id. What is changed is on disk when the call returns, and other processes see it from then on.

    Several threads may use one store; a store does not survive a fork.
    """

    def __init__(self, settings: SessionSettings, counters: Counters):
        """Take settings; nothing is opened before the first use."""
        self.settings = settings
        self.counters = counters
        self._lock = threading.RLock()
        self._records: dict[str, Record] = {}

    # What a kind of store provides.

    def _version(self) -> Any:
        """Return something that is different once another process has changed the store. Called for each request."""
        raise NotImplementedError

    def _get(self, key: bytes) -> Row | None:
        """Return a committed row."""
        raise NotImplementedError

    def _transaction(self) -> AbstractContextManager[Rows]:
        """Return a context in which nobody else can change the store; what was changed is committed at its end."""
        raise NotImplementedError

    def close(self) -> None:
        """Close files. Sessions stay."""
        self._records.clear()
        self.counters.close()

    # What all of them do with it.

    def fetch(self, id: str) -> Record | None:
        """Return the session `id`, None if there is none or it has ended."""
        with self._lock:
            version = self._version()
            record = self._records.get(id)
            if record is None or record.version != version:
                row = self._get(key_of(id))
                if row is None:
                    self._records.pop(id, None)
                    return None
                if record is not None and record.text == row.text:
                    record.version, record.expires = version, row.expires
                else:
                    record = self._remember(id, row, version)
            return record if record.expires > time.time() else None

    def load(self, id: str) -> dict[str, Any] | None:
        """Return a copy of what the session `id` holds, None if there is none."""
        record = self.fetch(id)
        return None if record is None else record.copy()

    def save(self, id: str, data: Mapping[str, Any], expires: float) -> None:
        """Make the session `id`, or replace all that it holds. It ends at `expires`, seconds since the epoch.

        Raises:
            TypeError: a value that JSON cannot hold.
            OSError: it cannot be written.
        """
        row = Row(encode(data), expires)
        with self._changing(id) as rows:
            rows.put(key_of(id), row, user_of(data))

    def change(self, id: str, changed: Mapping[str, Any], removed: Iterable[str] = ()) -> bool:
        """Set and remove some keys; what others changed meanwhile in other keys stays.

        False if there is no such session any more: an ended one is not brought back.
        """
        with self._changing(id) as rows:
            row = rows.get(key_of(id))
            if row is None or row.expires <= time.time():
                return False
            data = decode(row.text)
            for key in removed:
                data.pop(key, None)
            data.update(changed)
            rows.put(key_of(id), Row(encode(data), row.expires), user_of(data))
            return True

    def move(self, old: str | None, new: str, data: Mapping[str, Any], expires: float) -> None:
        """Make the session `new`, and end `old`, in one step."""
        row = Row(encode(data), expires)
        with self._changing(new) as rows:
            if old is not None:
                rows.delete(key_of(old))
                self._records.pop(old, None)
            rows.put(key_of(new), row, user_of(data))

    def delete(self, id: str) -> None:
        """End a session."""
        with self._changing(id) as rows:
            rows.delete(key_of(id))

    def drop_user(self, user: Any, keep: str | None = None, key: str = "user") -> int:
        """Log a user out of all sessions but `keep`. `key` is where sessions have their user.

        Returns how many sessions were changed.
        """
        kept = None if keep is None else key_of(keep)
        count = 0
        with self._changing(None) as rows:
            for each, row in self._of_user(rows, str(user), key):
                if each == kept:
                    continue
                data = decode(row.text)
                if user_of({"user": data.get(key)}) == str(user):
                    del data[key]
                    rows.put(each, Row(encode(data), row.expires), user_of(data))
                    count += 1
            self._records.clear()
        return count

    def purge(self) -> int:
        """Remove the sessions that have ended; how many there were."""
        now = time.time()
        with self._changing(None) as rows:
            ended = [key for key, row in rows.items() if row.expires <= now]
            for key in ended:
                rows.delete(key)
        return len(ended)

    def tidy(self) -> None:
        """Remove the sessions that have ended, without holding up others for long."""
        self.purge()

    def _of_user(self, rows: Rows, user: str, key: str) -> list[tuple[bytes, Row]]:
        """Return the rows that may belong to a user."""
        return list(rows.items())

    def _remember(self, id: str, row: Row, version: Any) -> Record:
        if len(self._records) >= REMEMBERED:
            for old in list(self._records)[: REMEMBERED // 8]:
                del self._records[old]
        record = self._records[id] = Record(row.text, row.expires, version)
        return record

    def _changing(self, id: str | None) -> AbstractContextManager[Rows]:
        return _Changing(self, id)


class _Changing:
    """A transaction under the store's lock, after which the session in question is read anew."""

    __slots__ = ("context", "id", "store")

    def __init__(self, store: SessionStore, id: str | None):
        self.store = store
        self.id = id

    def __enter__(self) -> Rows:
        self.store._lock.acquire()
        try:
            self.context = self.store._transaction()
            return self.context.__enter__()
        except BaseException:
            self.store._lock.release()
            raise

    def __exit__(self, *error: Any) -> bool | None:
        try:
            return self.context.__exit__(*error)
        finally:
            if self.id is not None:
                self.store._records.pop(self.id, None)
            self.store._lock.release()
