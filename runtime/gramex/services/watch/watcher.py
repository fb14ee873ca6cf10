"""Looks for changes of files in a thread of its own, and calls the functions that wait for them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from gramex.services.watch.entries import Watch
from gramex.services.watch.snapshot import LIMIT, Event, Snapshot, compare, look

app_log = logging.getLogger("gramex")

INTERVAL = 0.5  # seconds between two looks
SHARE = 0.05  # of a core that looking may take: where there is much to look at, it is looked at less often


class Watcher:
    """The watches of an app. Functions are called one after another, in a thread, coroutines in the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        """Begin with nothing; `set` says what to watch."""
        self.loop = loop
        self.watches: dict[str, Watch] = {}
        self.seen: dict[str, Snapshot] = {}
        self.lock = threading.Lock()  # for both of these
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def set(self, watches: Mapping[str, Watch]) -> None:
        """Watch this from now on; what is there already is no event."""
        with self.lock:
            known = {label: self.seen[label] for label, watch in watches.items() if self.watches.get(label) is watch}
        new = {label: look(watch.paths) for label, watch in watches.items() if label not in known}
        for label, snapshot in new.items():
            if len(snapshot) >= LIMIT:
                app_log.warning("%s: there are more than %d files: only the first ones are watched", label, LIMIT)
        with self.lock:
            self.watches = dict(watches)
            self.seen = {**new, **{label: self.seen[label] for label in known}}
        if self.watches and self.thread is None:
            self.thread = threading.Thread(target=self._work, name="gramex-watch", daemon=True)
            self.thread.start()

    def stop(self) -> None:
        """Call nothing any more but what is under way."""
        self.ended.set()

    def _work(self) -> None:
        pause = INTERVAL
        while not self.ended.wait(pause):
            spent = 0.0
            for watch in list(self.watches.values()):
                begin = time.thread_time()
                events = self._look(watch)
                spent += time.thread_time() - begin
                for event in events:
                    self._tell(watch, event)
            pause = max(INTERVAL, spent / SHARE)

    def _look(self, watch: Watch) -> list[Event]:
        try:
            now = look(watch.paths)
        except Exception:
            app_log.exception("%s: cannot be watched", watch.label)
            return []
        with self.lock:
            if self.watches.get(watch.label) is not watch:
                return []
            old, self.seen[watch.label] = self.seen[watch.label], now
        return compare(old, now)

    def _tell(self, watch: Watch, event: Event) -> None:
        for function in watch.functions_for(event.event_type):
            if not self.ended.is_set():
                self._call(watch, function, event)

    def _call(self, watch: Watch, function: Callable[[Any], Any], event: Event) -> None:
        try:
            result = function(event)
            if inspect.isawaitable(result):
                asyncio.run_coroutine_threadsafe(finish(result), self.loop).result()
        except (Exception, SystemExit):
            if not self.ended.is_set():
                with contextlib.suppress(Exception):
                    app_log.exception("%s failed for %s", watch.label, event.src_path)


async def finish(awaitable: Any) -> None:
    """Wait for an awaitable."""
    await awaitable
