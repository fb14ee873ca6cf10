"""Owns the process that answers: sockets, readiness, signals, reload and drain."""

from __future__ import annotations

import asyncio
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

    loop = new_loop()
    asyncio.set_event_loop(loop)

    async def live() -> int:
        return await Life(loaded, reload).run()

    try:
        return loop.run_until_complete(live())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
