"""A request that the server refused before any handler saw it, as the request log wants it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from tornado.httputil import HTTPHeaders

LONGEST = 2000  # characters of an address that is logged


class Refused:
    """One such request. What is not known of it is empty."""

    name = "refused"
    current_user = None

    def __init__(self, status: int, start_line: Any, headers: HTTPHeaders | None, ip: str, seconds: float):
        """`start_line` and `headers` are None where they could not be read; `seconds` is how long it took."""
        self.status = status
        method, uri = (start_line.method, start_line.path) if start_line else ("", "")
        self.request = SimpleNamespace(
            method=method,
            uri=uri[:LONGEST],
            remote_ip=ip,
            headers=headers or HTTPHeaders(),
            host="",
            path=uri.partition("?")[0],
            _start_time=time.time() - seconds,
        )

    def get_status(self) -> int:
        """Return the status."""
        return self.status

    def get_cookie(self, name: str, default: str = "") -> str:
        """Return `default`: nothing is known of cookies."""
        return default

    def has_session(self) -> bool:
        """Return False."""
        return False
