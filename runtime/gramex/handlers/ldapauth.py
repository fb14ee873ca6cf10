"""Logs in the users of an LDAP directory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, ClassVar

from tornado.web import HTTPError

from gramex.config.view import View
from gramex.handlers.directory import Directory, DirectoryError
from gramex.handlers.login import LoginHandler

app_log = logging.getLogger("gramex")

SECRETS = ("search", "credentials")  # keys that may hold passwords


class LDAPAuth(LoginHandler):
    """A log-in page whose users and passwords are those of an LDAP directory or Active Directory."""

    directory: ClassVar[Directory]

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take where the directory is, and how users are found in it.

        Raises:
            ValueError: a key cannot be meant, or ldap3 is missing.
        """
        user = kwargs.get("user")
        super().setup(**{**kwargs, "user": user if isinstance(user, Mapping) else None})
        cls.directory = Directory(kwargs, cls.loaded.folder)
        cls.kwargs = View((key, value) for key, value in cls.kwargs.items() if key not in SECRETS)

    async def authenticate(self, user: str, password: str) -> dict[str, Any] | None:
        """Return the user as the directory knows it.

        Raises:
            HTTPError: 503; the directory cannot be asked.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(asking_threads(), self.directory.find, user, password)
        except DirectoryError as error:
            raise HTTPError(503, "LDAP: %s", error) from None


@lru_cache(maxsize=1)
def asking_threads() -> ThreadPoolExecutor:
    """Return threads that may wait for a slow directory without holding up other work."""
    return ThreadPoolExecutor(8, "ldap")
