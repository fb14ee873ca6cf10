"""Lets the last requests finish before the process ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from gramex.server.web import WebServer

app_log = logging.getLogger("gramex")

STEP = 0.05  # seconds between two looks at what is still open
FAREWELL = 3.0  # seconds that websockets get to answer our closing message
GOING_AWAY = 1001  # RFC 6455, 7.4.1
IDLE = 2.0  # seconds that idle connections of clients stay, and those of proxies where somebody pressed Ctrl-C


async def drain(server: WebServer, websockets: set[Any], seconds: float, proxies: bool = True) -> None:
    """Return when all connections are closed, at most `seconds` and a few more later.

    Requests in flight are finished, and each answer says ``Connection: close``. With `proxies`, idle connections of
    theirs stay open so that the next request on them is answered: a proxy cannot repeat a POST whose connection was
    closed under it. A browser can. Websockets get until the end, then a closing message with code 1001; streams of
    server-sent events likewise, then a complete end.
    """
    server.say_goodbye()
    begin = time.monotonic()

    def over(allowed: float) -> Callable[[], bool]:
        return lambda: time.monotonic() - begin >= allowed

    def empty() -> bool:
        return not server.connections and not server.open_tunnels()

    def empty_but_for_proxies() -> bool:
        server.close_idle(proxies=not proxies)
        return empty()

    await _until(empty, over(min(IDLE, seconds)))
    await _until(empty_but_for_proxies, over(seconds))
    for handler in list(websockets):
        try:
            handler.close(GOING_AWAY, "going away")
        except Exception:
            app_log.exception("A websocket could not be closed")
    server.end_events()
    server.close_idle()
    farewell = FAREWELL if server.tunnels else 0
    await _until(empty, over(time.monotonic() - begin + farewell))
    left = sum(not connection.stream.closed() for connection in server.connections)
    if left:
        app_log.warning("Ending with %d requests unfinished after %g s", left, seconds)
    server.close_all()
    await asyncio.sleep(0)


async def _until(*conditions: Callable[[], bool]) -> None:
    """Return as soon as one of the conditions holds."""
    while not any(condition() for condition in conditions):  # noqa: ASYNC110  streams have no event for all of them
        await asyncio.sleep(STEP)
