"""Requests from pages of other sites: the ``cors:`` key."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from gramex.handlers.methods import KNOWN

KEYS = frozenset(["origins", "methods", "headers", "auth"])
KEPT = 600  # seconds that a browser may remember the answer to its question


def as_names(value: Any, key: str) -> list[str]:
    """Return text with commas, or a list, as a list.

    Raises:
        ValueError: it is something else.
    """
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"cors: {key}: must be a list, or '*' for all, not {value!r}")
    return [name.strip() for name in names if name.strip()]


class Policy:
    """Which sites may do what.

    `auth` lets their requests carry the visitor's cookies. Then sites must be named: for all sites together it would
    give everybody everything that the visitor may do.
    """

    def __init__(self, cors: Any):
        """Take the key: true for everything without cookies, or a mapping of origins, methods, headers and auth.

        Raises:
            ValueError: what it cannot be.
        """
        if cors is True:
            cors = {}
        if not isinstance(cors, Mapping):
            raise ValueError(
                f"cors: must be true, or a mapping such as {{origins: [https://example.com]}}, not {cors!r}"
            )
        if unknown := set(cors) - KEYS:
            raise ValueError(
                f"cors: {', '.join(sorted(map(str, unknown)))} is not known; use {', '.join(sorted(KEYS))}"
            )
        self.origins = as_names(cors.get("origins", "*"), "origins")
        self.methods = [name.upper() for name in as_names(cors.get("methods", "*"), "methods")]
        self.headers = as_names(cors.get("headers", "*"), "headers")
        self.auth = cors.get("auth", False)
        if not isinstance(self.auth, bool):
            raise ValueError(f"cors: auth: must be true or false, not {self.auth!r}")
        if self.auth and "*" in self.origins:
            raise ValueError(
                "cors: auth: needs origins: to name the sites; '*' would open the visitor's account to all"
            )

    def allows(self, origin: str) -> bool:
        """True if pages of `origin` may send requests. A name without scheme is for http and https."""
        host = urlsplit(origin).netloc.lower()
        return origin != "null" and any(
            wanted == "*" or fnmatchcase(origin.lower() if "://" in wanted else host, wanted.lower())
            for wanted in self.origins
        )

    def headers_for(self, origin: str) -> dict[str, str]:
        """Return the headers of every answer to a page of an allowed origin."""
        headers = {"Access-Control-Allow-Origin": origin if self.auth or "*" not in self.origins else "*"}
        if self.auth:
            headers["Access-Control-Allow-Credentials"] = "true"
        if headers["Access-Control-Allow-Origin"] != "*":
            headers["Vary"] = "Origin"
        return headers

    def __call__(self, handler: Any) -> None:
        """Say what is allowed; answer a browser that asks before it sends. A step before all others."""
        request = handler.request
        origin = request.headers.get("Origin")
        if not origin or not self.allows(origin):
            return
        handler.cors_headers = self.headers_for(origin)
        # Without cookies of the visitor there is nothing that a page of another site could misuse.
        handler.cors_allowed = self.auth or "Cookie" not in request.headers
        handler.set_step_headers()
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            self.answer(handler)

    def answer(self, handler: Any) -> None:
        """Answer the question whether a request would be allowed."""
        methods = sorted(handler.allowed or KNOWN) if "*" in self.methods else self.methods
        wanted = handler.request.headers.get("Access-Control-Request-Headers", "")
        headers = wanted if "*" in self.headers else ", ".join(self.headers)
        handler.set_status(204)
        handler.set_header("Access-Control-Allow-Methods", ", ".join(methods))
        if headers:
            handler.set_header("Access-Control-Allow-Headers", headers)
        handler.set_header("Access-Control-Max-Age", str(KEPT))
        handler.finish()


def setup_cors(cls: Any, cors: Any) -> None:
    """Take the entry's ``cors:``.

    Raises:
        ValueError: what it cannot be.
    """
    if cors is not None and cors is not False:
        cls.add_step("cors", Policy(cors))
