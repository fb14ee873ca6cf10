"""Slows down who guesses passwords: after each failure a user name is held up, in all processes of the app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from tornado.web import HTTPError

from gramex.services.session import Counters

DELAYS = (1.0, 1.0, 5.0)
PATIENCE = 10.0  # seconds that a request waits for its turn, before it is told to come back
LOOK = 0.2  # seconds; somebody else's success ends the waiting early
KIND = "login"


def parse_delay(delay: Any) -> tuple[float, ...]:
    """Return the seconds to wait after the first, second, ... failure for the key ``delay:``.

    Raises:
        ValueError: it is neither a number nor a list of them.
    """
    if delay is None:
        return DELAYS
    numbers = delay if isinstance(delay, (list, tuple)) else [delay]
    if not numbers or any(isinstance(one, bool) or not isinstance(one, (int, float)) or one < 0 for one in numbers):
        raise ValueError(f"delay: must be seconds, or a list such as [1, 1, 5], not {delay!r}")
    return tuple(float(one) for one in numbers)


class Lockout:
    """The waiting for one log-in page."""

    def __init__(self, delays: Sequence[float]):
        """Take the seconds to wait after each failure; the last repeats."""
        self.delays = delays

    async def wait_turn(self, counters: Counters, user: str) -> None:
        """Wait until the name is not held up, by this try or others: then it may be checked.

        Raises:
            HTTPError: 429; that would take too long. Nothing is to be checked.
        """
        end = time.monotonic() + PATIENCE
        while (seconds := await counters.ask(counters.take_turn, KIND, user, self.delays)) > 0:
            left = end - time.monotonic()
            if seconds > left:
                raise HTTPError(429, "log in: too many tries for one user name")
            await asyncio.sleep(min(seconds, LOOK))

    async def failed(self, counters: Counters, user: str) -> None:
        """Wait until the time of this try is over."""
        seconds = (await counters.ask(counters.get, KIND, user)).until - time.time()
        await asyncio.sleep(min(max(seconds, 0), max(self.delays)))

    async def succeeded(self, counters: Counters, user: str) -> None:
        """Forget the failures: whoever waits may go on."""
        await counters.ask(counters.clear, KIND, user)
