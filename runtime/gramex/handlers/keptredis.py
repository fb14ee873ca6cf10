"""Keeps answers in a Redis server. While it does not answer, nothing is kept and every answer is made anew."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import Executor
from typing import Any

from gramex.handlers.caching import Kept, app_log
from gramex.handlers.keptform import NEVER, pack, unpack
from gramex.services.redisserver import Server, Unreachable


class RedisAnswers:
    """Answers in a server, which removes them by its own rules (`maxmemory`)."""

    def __init__(self, place: dict[str, Any], name: str, size: int):
        """Take the place of the server, the name of the store, and the bytes that an answer may have."""
        self.server, self.prefix, self.size = Server(place, f"cache:{name}"), f"gramex:cache:{name}:", size
        self._is_down = False

    @property
    def threads(self) -> Executor:
        """Threads to ask the server from."""
        return self.server.threads

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key, if it has not expired."""
        found = self._ask(lambda client: client.get(self._name(key)))
        try:
            return None if found is None else unpack(found)
        except ValueError as error:
            app_log.warning("%s: %s", self.server.key, error)
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        answer, expires = pack(kept)
        milliseconds = None if expires >= NEVER else int((expires - time.time()) * 1000)
        if len(answer) <= self.size and (milliseconds is None or milliseconds > 0):
            self._ask(lambda client: client.set(self._name(key), answer, px=milliseconds))

    def _name(self, key: str) -> str:
        return self.prefix + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def _ask(self, question: Any) -> Any:
        try:
            answer = self.server.ask(question)
        except Unreachable as error:
            if not self._is_down:
                app_log.warning("%s: answers are not kept until it is back", error)
            self._is_down = True
            return None
        self._is_down = False
        return answer
