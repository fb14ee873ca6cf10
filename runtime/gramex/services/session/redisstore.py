"""Keeps sessions, and the counts of log ins and requests, in a Redis server that several machines may share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any

from gramex.services.redisserver import Server
from gramex.services.session.counters import DAY, Count, Counters, key_of_name
from gramex.services.session.settings import SessionSettings
from gramex.services.session.store import Record, Row, SessionStore, decode, encode, key_of, user_of

SESSION = "gramex:session:"
USER = "gramex:user:"
COUNT = "gramex:count:"
BATCH = 500  # sessions that are looked through at a time


class RedisStore(SessionStore):
    """A key for each session, which ends by itself. A request that has a session costs one question."""

    def __init__(self, settings: SessionSettings, counters: Counters):
        """Take settings; the server is asked when a session is first asked for."""
        self.server = Server(dict(settings.place), "app.session")
        super().__init__(settings, RedisCounters(counters.file, self.server))

    @property
    def threads(self) -> Executor:
        """As `Asking.threads`."""
        return self.server.threads

    def fetch(self, id: str) -> Record | None:
        """As `SessionStore.fetch`. Nothing is remembered, and nothing locked: many ask at a time."""
        row = _row(self.server.ask(lambda client: client.get(_name(key_of(id)))))
        return None if row is None or row.expires <= time.time() else Record(row.text, row.expires, None)

    def save(self, id: str, data: Mapping[str, Any], expires: float) -> None:
        """As `SessionStore.save`."""
        self.move(None, id, data, expires)

    def move(self, old: str | None, new: str, data: Mapping[str, Any], expires: float) -> None:
        """As `SessionStore.move`."""
        key, row, user = key_of(new), Row(encode(data), expires), user_of(data)

        def work(client: Any) -> None:
            with client.pipeline(transaction=True) as pipe:
                if old is not None:
                    pipe.delete(_name(key_of(old)))
                _put(pipe, key, row, user)
                pipe.execute()

        self.server.ask(work)

    def change(self, id: str, changed: Mapping[str, Any], removed: Iterable[str] = ()) -> bool:
        """As `SessionStore.change`."""
        key, removed = key_of(id), list(removed)
        encode(changed)  # fails before anything is asked

        def work(pipe: Any) -> bool:
            row = _row(pipe.get(_name(key)))
            pipe.multi()
            if row is None or row.expires <= time.time():
                return False
            data = {name: value for name, value in decode(row.text).items() if name not in removed}
            data.update(changed)
            _put(pipe, key, Row(encode(data), row.expires), user_of(data))
            return True

        return self.server.change([_name(key)], work)

    def delete(self, id: str) -> None:
        """As `SessionStore.delete`."""
        self.server.ask(lambda client: client.delete(_name(key_of(id))))

    def drop_user(self, user: Any, keep: str | None = None, key: str = "user") -> int:
        """As `SessionStore.drop_user`."""
        kept = None if keep is None else _name(key_of(keep))
        names = self._names_of(str(user)) if key == "user" else self._all_names()
        return sum(self._drop(name, str(user), key) for name in names if name != kept)

    def _names_of(self, user: str) -> list[str]:
        found = self.server.ask(lambda client: client.smembers(_user_name(user)))
        return [each.decode() for each in found]

    def _all_names(self) -> list[str]:
        return [each.decode() for each in self.server.ask(lambda client: list(client.scan_iter(f"{SESSION}*", BATCH)))]

    def _drop(self, name: str, user: str, key: str) -> bool:
        def work(pipe: Any) -> bool:
            row = _row(pipe.get(name))
            pipe.multi()
            data = {} if row is None else decode(row.text)
            if row is None or user_of({"user": data.get(key)}) != user:
                return False
            del data[key]
            pipe.srem(_user_name(user), name)
            pipe.set(name, _text(Row(encode(data), row.expires)), pxat=_ms(row.expires))
            return True

        return self.server.change([name], work)

    def purge(self) -> int:
        """Do nothing: the server removes the sessions that have ended."""
        return 0

    def close(self) -> None:
        """Close connections. Sessions stay."""
        super().close()
        self.server.close()


class RedisCounters(Counters):
    """Counts that all machines share."""

    def __init__(self, file: Any, server: Server):
        """Take the server; `file` is not used."""
        super().__init__(file)
        self.server = server

    @property
    def threads(self) -> Executor:
        """As `Asking.threads`."""
        return self.server.threads

    def get(self, kind: str, name: str) -> Count:
        """As `Counters.get`."""
        return _count(self.server.ask(lambda client: client.get(_count_name(kind, name))))

    def clear(self, kind: str, name: str) -> None:
        """As `Counters.clear`."""
        self.server.ask(lambda client: client.delete(_count_name(kind, name)))

    def close(self) -> None:
        """Do nothing: the store closes the server."""

    def _change(self, kind: str, name: str, next_count: Callable[[Count, float], Count], keep: float) -> Count:
        key = _count_name(kind, name)

        def work(pipe: Any) -> Count:
            now = time.time()
            count = next_count(_count(pipe.get(key)), now)
            pipe.multi()
            pipe.set(key, f"{count.number} {count.until!r}", pxat=_ms(max(now, count.until) + keep))
            return count

        return self.server.change([key], work)


def _name(key: bytes) -> str:
    return SESSION + key.hex()


def _user_name(user: str) -> str:
    return USER + key_of_name("user", user).hex()


def _count_name(kind: str, name: str) -> str:
    return COUNT + key_of_name(kind, name).hex()


def _ms(at: float) -> int:
    return max(1, int(at * 1000))


def _text(row: Row) -> str:
    return f"{row.expires!r} {row.text}"


def _row(kept: bytes | None) -> Row | None:
    if kept is None:
        return None
    expires, _, text = kept.decode().partition(" ")
    return Row(text, float(expires))


def _count(kept: bytes | None) -> Count:
    if kept is None:
        return Count(0, 0)
    number, until = kept.split()
    return Count(int(number), float(until))


def _put(pipe: Any, key: bytes, row: Row, user: str | None) -> None:
    name, end = _name(key), _ms(row.expires)
    pipe.set(name, _text(row), pxat=end)
    if user is not None:  # where the sessions of a user are, to end them; it lives as long as the last one
        pipe.sadd(_user_name(user), name)
        pipe.expireat(_user_name(user), end // 1000 + DAY, nx=True)
        pipe.expireat(_user_name(user), end // 1000 + DAY, gt=True)
