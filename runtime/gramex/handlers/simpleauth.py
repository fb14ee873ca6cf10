"""Logs in the users that the configuration lists."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, ClassVar

from tornado.web import HTTPError

from gramex.config.view import View
from gramex.handlers.login import LoginHandler
from gramex.handlers.lookup import Lookup
from gramex.handlers.password import Credentials

app_log = logging.getLogger("gramex")

WAITING = 64  # log ins that may wait for a thread; more are told to come back


class SimpleAuth(LoginHandler):
    """A log-in page for ``credentials: {user: password}``."""

    credentials: ClassVar[Credentials]
    lookup: ClassVar[Lookup | None] = None
    waiting: ClassVar[int] = 0

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``credentials``, and ``lookup``, a table with more about each user.

        Raises:
            ValueError: there are none, or a key cannot be meant.
        """
        super().setup(**kwargs)
        credentials, lookup = kwargs.get("credentials"), kwargs.get("lookup")
        if not credentials:
            raise ValueError("credentials: is missing; add a mapping such as {ann: $ANN_PASSWORD}")
        cls.credentials = Credentials(credentials)
        for problem in cls.credentials.problems:
            app_log.error("url:%s: %s", cls.name, problem)
        # What handlers and templates can see has no passwords.
        cls.kwargs = View(cls.kwargs, credentials=cls.credentials.attributes)
        cls.lookup = None if lookup is None else Lookup(lookup, cls.loaded.folder)

    async def authenticate(self, user: str, password: str) -> dict[str, Any] | None:
        """Return the user, with the attributes of the configuration and of ``lookup:``."""
        if not await self.check(user, password):
            return None
        found = {"user": user, "id": user, **self.credentials.attributes[user]}
        if self.lookup is not None:
            found.update(await asyncio.get_running_loop().run_in_executor(None, self.lookup.find, found["id"]))
        return found

    async def check(self, user: str, password: str) -> bool:
        """Compare in a thread where that takes long."""
        if not self.credentials.hashed:
            return self.credentials.check(user, password)
        cls = SimpleAuth
        if cls.waiting >= WAITING:
            raise HTTPError(503, "log in: too many at once")
        cls.waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(hashing_threads(), self.credentials.check, user, password)
        finally:
            cls.waiting -= 1


@lru_cache(maxsize=1)
def hashing_threads() -> ThreadPoolExecutor:
    """Return two threads: hashing takes a core and 20 MiB each, and must not crowd out other work."""
    return ThreadPoolExecutor(2, "password")
