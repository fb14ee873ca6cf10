"""Turns signals into calls: stop, stop at once, reload."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

STOP = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)  # SIGBREAK: how Windows ends console programs


class Signals:
    """Calls functions in the event loop when signals arrive, from creation to `restore`.

    The handlers are Python's own, not the loop's: they also run while a request keeps the loop busy, so that a second
    signal ends a process that hangs.
    """

    def __init__(self, stop: Callable[[int], None], end: Callable[[], None], reload: Callable[[], None]):
        """`stop` gets the first signal's number, `end` is called at once by the second, `reload` by SIGHUP."""
        self.loop = asyncio.get_running_loop()
        self.stop, self.end, self.reload = stop, end, reload
        self.stopping = False
        self.old: dict[int, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return  # Python handles signals in that one alone: a Windows service has other means
        for number in STOP:
            self.old[number] = signal.signal(number, self._on_stop)
        if hasattr(signal, "SIGHUP"):
            self.old[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_reload)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:
            self.end()
            return
        self.stopping = True
        self.loop.call_soon_threadsafe(self.stop, number)

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping:
            self.loop.call_soon_threadsafe(self.reload)

    def restore(self) -> None:
        """Put back what was there before."""
        for number, handler in self.old.items():
            with contextlib.suppress(TypeError, ValueError):  # one that was not set from Python is None
                signal.signal(number, handler)
