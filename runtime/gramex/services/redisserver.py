"""Connects to a Redis server: where it is, how long it may take, and what is done while it does not answer."""

from __future__ import annotations

import time
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from redis import Redis

TIMEOUT = 2.0  # seconds until a server that does not answer counts as down
PAUSE = 1.0  # seconds for which one that is down is not asked again: each try holds up those who need it
THREADS = 32  # questions that are under way at a time
TRIES = 200  # of a change that others keep interfering with


class Unreachable(OSError):
    """The server cannot be reached, or refuses."""


def find_package(key: str) -> None:
    """Make sure that the package for it is there.

    Raises:
        ValueError: it is not; `key` is named.
    """
    if find_spec("redis") is None:
        raise ValueError(f"{key}: redis is not installed; install gramex-runtime[redis]")


def parse_place(path: Any, key: str) -> dict[str, Any]:
    """Return arguments of a connection: `path` is a URL, the path of a socket, or ``HOST[:PORT[:DB[:NAME=VALUE...]]]``.

    None is a server on this machine. `key` is named in errors.

    Raises:
        ValueError: it cannot be meant.
    """
    text = str(path or "localhost:6379:0")
    if "://" in text:
        if not text.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError(f"{key}: must begin with redis://, rediss:// or unix://, not {text.partition('//')[0]}//")
        try:
            _ = urlsplit(text).port
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
        return {"url": text}
    if text.startswith("/"):
        return {"unix_socket_path": text}
    host, port, db, *more = [*text.split(":"), *("" for _ in range(3 - len(text.split(":"))))]
    place: dict[str, Any] = {"host": host or "localhost"}
    for name, value, default in (("port", port, 6379), ("db", db, 0)):
        if value and not value.isdecimal():
            raise ValueError(f"{key}: must be like localhost:6379:0 or redis://localhost:6379/0, not {text!r}")
        place[name] = int(value or default)
    for each in more:
        name, equals, value = each.partition("=")
        place["password" if not equals else name] = value if equals else name
    if unknown := set(place) - {"host", "port", "db", "username", "password"}:
        raise ValueError(f"{key}: {', '.join(sorted(unknown))} is not known; use username and password, or a URL")
    return place


class Server:
    """A server, connected to at the first use. Several threads may use it."""

    def __init__(self, place: dict[str, Any], key: str):
        """Take a place from `parse_place`; `key` is named in errors."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # Once more where a connection was lost, as after a restart of the server. By itself the package also tries
        # again, three times and with pauses, where there was no answer.
        again = Retry(NoBackoff(), 1, (redis.ConnectionError,))
        place = {**place, "socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "retry": again}
        url = place.pop("url", None)
        self.client: Redis = redis.Redis.from_url(url, **place) if url else redis.Redis(**place)
        self.key = key
        self._errors = redis.RedisError
        self._conflict = redis.WatchError
        self._down_until = 0.0
        self._said = ""

    def ask(self, question: Callable[[Redis], Any]) -> Any:
        """Return what `question`, called with the client, returns.

        Raises:
            Unreachable: the server does not answer, or did not within the last second.
        """
        if time.monotonic() < self._down_until:
            raise Unreachable(self._said)
        try:
            return question(self.client)
        except self._conflict:
            raise
        except (self._errors, OSError) as error:
            self._down_until = time.monotonic() + PAUSE
            self._said = f"{self.key}: Redis: {error}"
            raise Unreachable(self._said) from None

    def change(self, names: list[str], work: Callable[[Any], Any]) -> Any:
        """Call `work` with a pipeline that watches some keys: it reads, calls ``multi()``, and writes.

        It is called again if somebody else changed one of the keys meanwhile. Returns what it returns.

        Raises:
            Unreachable: as `ask`.
        """

        def attempt(client: Redis) -> Any:
            with client.pipeline() as pipe:
                pipe.watch(*names)
                result = work(pipe)
                pipe.execute()
                return result

        for _ in range(TRIES):
            try:
                return self.ask(attempt)
            except self._conflict:
                continue
        raise Unreachable(f"{self.key}: Redis: {', '.join(names)} did not stop changing")

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """Threads to ask from, so that nobody else waits for the answer. Made when first needed."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(THREADS, "redis")

    def close(self) -> None:
        """Wait for what is under way, and close connections."""
        if "threads" in self.__dict__:
            self.threads.shutdown()
        self.client.close()
