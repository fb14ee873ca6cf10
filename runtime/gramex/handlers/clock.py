"""The date of answers, made once a second."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache


class Clock:
    """Remembers the text of the present second."""

    second = 0
    text = ""
    line = b""

    def _tick(self, now: float) -> None:
        self.second = int(now)
        self.text = formatdate(now, usegmt=True)
        self.line = f"Date: {self.text}\r\n".encode()

    def date(self) -> str:
        """Return the value of the header Date for now."""
        now = time.time()
        if int(now) != self.second:
            self._tick(now)
        return self.text

    def header(self, now: float) -> bytes:
        """Return the header Date for a time in seconds since the epoch, as it is sent."""
        if int(now) != self.second:
            self._tick(now)
        return self.line

    @staticmethod
    @lru_cache(maxsize=1000)
    def of(seconds: int) -> str:
        """Return a time in seconds since the epoch as headers have it."""
        return formatdate(seconds, usegmt=True)


clock = Clock()
