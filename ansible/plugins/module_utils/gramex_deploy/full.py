"""Starts and stops the colours of an app that runs on the full Gramex: one process at a time, at a port of its own.

It neither inherits a socket nor says when it is ready, so its port is asked, and a change stops one colour before the
other one starts.
"""

from __future__ import annotations

import http.client
import time
from contextlib import closing

from . import systemd
from .problem import Problem
from .systemd import Systemd
from .sysv import answers

STEP = 0.1  # seconds between two questions
ANSWER = 30  # seconds that one answer may take


class Full(Systemd):
    """One app's service. `gap`: for how many seconds nobody was answered at the last change, None before the first."""

    both = False

    def __init__(self, app: str, port: int, health: str) -> None:
        super().__init__(app, [])
        self.port, self.health = port, health
        self.gap: float | None = None
        self._left: float | None = None

    def start(self, colour: str, timeout: int, keep: bool = False) -> None:
        """Start a colour and wait until its health path answers below 400. Raises Problem, as the other services do."""
        if self.state(colour) != "running" and answers(f"127.0.0.1:{self.port}"):
            raise Problem(f"{self.name}@{colour} cannot start: another program has port {self.port}")
        began, deadline = time.time(), time.monotonic() + timeout
        super().start(colour, timeout, keep)
        while (said := self._asked()) != "":
            if said is None and self.state(colour) != "failed" and time.monotonic() < deadline:
                time.sleep(STEP)
                continue
            if said is None:
                ended = self.state(colour) == "failed"
                said = "ended before it was ready" if ended else f"was not ready within {timeout} s"
            if not keep:  # first, so that all that it said has arrived
                self.kill(colour)
            log = self.log_of(colour, began)
            raise Problem(f"{self.name}@{colour} {said}. The end of its log:\n{log}")
        if self._left is not None:
            self.gap, self._left = time.monotonic() - self._left, None

    def log_of(self, colour: str, since: float) -> str:
        """Return the end of what a colour logged since a time: more than of others, for its tracebacks are long."""
        return systemd.journal(f"{self.name}@{colour}-*.service", since, lines=60)

    def give_way(self, colour: str) -> None:
        """End a colour: the other one needs its port. What it has not answered by then gets no answer."""
        self._left = time.monotonic() if self._left is None else self._left
        systemd.systemctl("stop", *self.units(colour))

    def _asked(self) -> str | None:
        """'' where the health path is well, None where nothing answers yet, else what is wrong with the answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER)) as link:
            try:
                link.request("GET", self.health, headers={"Connection": "close"})
                status = link.getresponse().status
            except ConnectionError:
                return None
            except (OSError, http.client.HTTPException) as error:
                return f"gave no answer at {self.health}: {error}"
        return "" if status < 400 else f"is not healthy: {self.health} answers {status}"
