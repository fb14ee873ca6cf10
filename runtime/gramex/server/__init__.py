"""Owns the process that answers: sockets, readiness, signals, reload and drain."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.server.life import Life

EXIT = 2.0  # seconds between the end of the server and the end of the process, at most

running: Life | None = None


class Host(Protocol):
    """What the server runs in, where that is more than a process: a Windows service."""

    def ready(self) -> None:
        """Hear that the server accepts connections."""

    def failed(self, reason: str) -> None:
        """Hear why the server cannot start."""


def run(loaded: Loaded, reload: Callable[[], Loaded], host: Host | None = None) -> int:
    """Serve an app until SIGTERM or SIGINT, and finish what began.

    `reload` reads the configuration anew; SIGHUP calls it. `host` hears how the start went. Returns the exit code:
    0 ended as told, 1 cannot listen, 3 not healthy.

    Raises:
        ConfigError: a setting of the server is wrong.
    """
    global running
    from gramex.server.worker import is_supervised

    open_standard_descriptors()
    listen = (loaded.conf.get("app") or {}).get("listen") or {}
    if listen.get("processes") is not None and not is_supervised():
        from gramex.server.supervisor import Supervisor, count_processes

        count = count_processes(loaded)
        if count > 1:
            return Supervisor(loaded, count).run()
    from gramex.server.life import Life

    loop = new_loop()
    asyncio.set_event_loop(loop)

    async def live() -> int:
        global running
        running = Life(loaded, reload, host)
        return await running.run()

    try:
        code = loop.run_until_complete(live())
    finally:
        running = None
        asyncio.set_event_loop(None)
        loop.close()
    if host is None:
        bound_exit(code)
    return code


def stop() -> None:
    """Stop the server of this process as SIGTERM does. Any thread may call it; without a server nothing happens."""
    if running is not None:
        running.stop()


def bound_exit(code: int) -> None:
    """End the process a little later, even if a thread of the app still works then: Python would wait for it."""

    def end() -> None:
        time.sleep(EXIT)
        logging.getLogger("gramex").warning("Ending although threads are still at work")
        os._exit(code)

    threading.Thread(target=end, daemon=True).start()


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
