"""Owns the process that answers: sockets, readiness, signals, reload and drain."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gramex.config import Loaded


def run(loaded: Loaded, reload: Callable[[], Loaded]) -> int:
    """Serve an app until SIGTERM or SIGINT, and finish what began.

    `reload` reads the configuration anew; SIGHUP calls it. Returns the exit code: 0 ended as told, 1 cannot listen,
    3 not healthy.

    Raises:
        ConfigError: a setting of the server is wrong.
    """
    from gramex.server.life import Life

    open_standard_descriptors()
    loop = new_loop()
    asyncio.set_event_loop(loop)

    async def live() -> int:
        return await Life(loaded, reload).run()

    try:
        return loop.run_until_complete(live())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def open_standard_descriptors() -> None:
    """Put /dev/null where standard input, output or error is closed.

    The next file or socket would get that number: what is printed would go there, and uvloop refuses to close it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
