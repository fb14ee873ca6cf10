"""Answers that are kept and sent again: the ``cache:`` key of an entry."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from gramex.handlers.requestkey import key_function

app_log = logging.getLogger("gramex")

SIZE = 100_000_000  # bytes of a store that says nothing else
# Belong to one answer or one connection, or are made anew.
NOT_KEPT = frozenset(
    [
        "Connection",
        "Content-Length",
        "Date",
        "Etag",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Server",
        "Set-Cookie",
        "Te",
        "Trailers",
        "Transfer-Encoding",
        "Upgrade",
    ]
)
KEYS = frozenset(["key", "store", "expiry", "status"])


class Kept(NamedTuple):
    """An answer."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    expires: float  # on the monotonic clock


class Store(Protocol):
    """Where answers are kept."""

    @property
    def threads(self) -> Executor | None:
        """Threads to ask from, where an answer may take long."""

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key, if it has not expired."""

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""


class MemoryStore:
    """Answers in memory, `size` bytes at most; those that were not asked for longest go first."""

    threads = None

    def __init__(self, size: int):
        self.size, self.used = size, 0
        self.items: dict[str, Kept] = {}
        self.lock = threading.Lock()

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key, if it has not expired."""
        with self.lock:
            found = self.items.pop(key, None)
            if found is None:
                return None
            if found.expires <= time.monotonic():
                self.used -= cost(key, found)
                return None
            self.items[key] = found  # last again
            return found

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        with self.lock:
            old = self.items.pop(key, None)
            if old is not None:
                self.used -= cost(key, old)
            if cost(key, kept) > self.size:
                return
            self.items[key] = kept
            self.used += cost(key, kept)
            while self.used > self.size:
                first = next(iter(self.items))
                self.used -= cost(first, self.items.pop(first))


def cost(key: str, kept: Kept) -> int:
    """Return the bytes of memory that an answer takes, about."""
    return 1000 + len(key) + len(kept.body) + sum(len(name) + len(value) + 100 for name, value in kept.headers)


stores: dict[tuple[str, str], Store] = {}  # what is kept outlives a reload


def find_store(loaded: Any, data: Path, name: Any) -> Store:
    """Return a store of the section ``cache:``, the first one if `name` is None; files are in the folder `data`.

    Raises:
        ValueError: there is none of that name, or its entry has a mistake.
    """
    section = loaded.conf.get("cache")
    section = section if isinstance(section, Mapping) else {}
    if name is not None and not isinstance(name, str):
        raise ValueError(f"cache: store: must be a name in the section cache:, not {name!r}")
    if name is None:
        name = next(iter(section), "memory")
    elif name not in section:
        raise ValueError(f"cache: store: there is no {name!r} in the section cache:")
    spec = section.get(name)
    spec = spec if isinstance(spec, Mapping) else {}
    key = str(name), repr(spec)
    if key not in stores:
        stores[key] = make_store(str(name), spec, data)
    return stores[key]


def make_store(name: str, spec: Mapping[str, Any], data: Path) -> Store:
    """Return the store of an entry of ``cache:``.

    Raises:
        ValueError: its path cannot be meant, or a package for it is missing.
    """
    kind, size, path = str(spec.get("type", "memory")).lower(), spec.get("size", SIZE), spec.get("path")
    size = size if isinstance(size, int) and size > 0 else SIZE
    if kind == "disk":
        from gramex.handlers.keptdisk import DiskStore

        folder = Path(str(path)).absolute() if path else data / "cache"
        return DiskStore(folder / f"{quote(name, safe='')}.db", size)
    if kind == "redis":
        from gramex.handlers.keptredis import RedisAnswers
        from gramex.services.redisserver import find_package, parse_place

        find_package(f"cache:{name}: type")
        return RedisAnswers(parse_place(path, f"cache:{name}: path"), name, size)
    if kind != "memory":
        app_log.warning("cache:%s: type %s is not known: answers are kept in memory", name, spec["type"])
    return MemoryStore(size)


class AnswerCache:
    """The ``cache:`` of one entry."""

    def __init__(self, spec: Any, cls: Any):
        """Take the key: true, or a mapping of key, store, expiry and status.

        Raises:
            ValueError: one of them cannot be.
        """
        spec = {} if spec is True else spec
        if not isinstance(spec, Mapping):
            raise ValueError(f"cache: must be true, or a mapping such as {{expiry: {{duration: 60}}}}, not {spec!r}")
        if unknown := set(spec) - KEYS:
            raise ValueError(
                f"cache: {', '.join(sorted(map(str, unknown)))} is not known; use {', '.join(sorted(KEYS))}"
            )
        parts = spec.get("key", "request.uri")
        self.key = key_function(parts if isinstance(parts, list) else [parts], "cache: key")
        self.store = find_store(cls.loaded, cls.services.data, spec.get("store"))
        expiry = spec.get("expiry")
        duration = expiry.get("duration") if isinstance(expiry, Mapping) else expiry
        duration = math.inf if duration is None else duration
        if isinstance(duration, bool) or not isinstance(duration, (int, float)) or duration < 0:
            raise ValueError(f"cache: expiry: must be {{duration: SECONDS}}, not {expiry!r}")
        self.duration = float(duration)
        status = spec.get("status", [200, 304])
        status = status if isinstance(status, list) else [status]
        if not all(isinstance(each, int) and 100 <= each <= 599 for each in status):
            raise ValueError(f"cache: status: must be a status such as 200, or a list of them, not {spec['status']!r}")
        self.status = set(status)
        self.prefix = f"{cls.name}\0"
        self.on_the_way: dict[str, Kept] = {}  # to a store that takes its time

    def __call__(self, handler: Any) -> Awaitable[None] | None:
        """Send what is kept, if there is something; else have the answer kept. The last step."""
        if handler.request.method not in ("GET", "HEAD"):
            return None
        user = ""
        if handler.is_private:  # never show one user what another one may see
            user = str((handler.peek_user() or {}).get("id"))
        key = f"{self.prefix}{handler.request.protocol}://{handler.request.host}\0{user}\0{self.key(handler)}"
        if self.store.threads is not None:
            kept = self.on_the_way.get(key)
            if kept is None or kept.expires <= time.monotonic():
                return self._answer_later(key, handler, self.store.threads)
            self.answer(key, handler, kept)
            return None
        self.answer(key, handler, self.store.get(key))
        return None

    async def _answer_later(self, key: str, handler: Any, threads: Executor) -> None:
        self.answer(key, handler, await asyncio.get_running_loop().run_in_executor(threads, self.store.get, key))

    def answer(self, key: str, handler: Any, kept: Kept | None) -> None:
        """Send what is kept; without it, have the answer kept that will be made."""
        if kept is None:
            if handler.request.method == "GET":
                handler.keep = lambda: self.keep(key, handler)
            return
        handler.set_status(kept.status, kept.reason)
        for name in {name for name, _ in kept.headers}:
            handler.clear_header(name)
        for name, value in kept.headers:
            handler.add_header(name, value)
        handler.finish(kept.body)

    def keep(self, key: str, handler: Any) -> None:
        """Keep the answer that is about to be sent, if its status is one to be kept and it makes no session."""
        status, headers = handler.get_status(), handler._headers
        if status not in self.status or status == 304 or hasattr(handler, "_new_cookie") or "Set-Cookie" in headers:
            return
        if "no-store" in headers.get("Cache-Control", "").lower() or "Content-Range" in headers:
            return
        kept = [(name, value) for name, value in headers.get_all() if name not in NOT_KEPT]
        body = b"".join(handler._write_buffer)
        answer = Kept(status, handler._reason, kept, body, time.monotonic() + self.duration)
        if self.store.threads is not None:
            self.on_the_way[key] = answer
            put = self.store.threads.submit(self.store.put, key, answer)
            put.add_done_callback(lambda done: self.on_the_way.pop(key, None))
        else:
            self.store.put(key, answer)


def setup_cache(cls: Any, cache: Any) -> None:
    """Take the entry's ``cache:``.

    Raises:
        ValueError: what it cannot be.
    """
    if cache is not None and cache is not False:
        cls.add_step("cache", AnswerCache(cache, cls))
