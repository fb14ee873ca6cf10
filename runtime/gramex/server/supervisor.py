"""Keeps several processes of one app at work on the sockets that it holds: ``app.listen.processes``."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gramex import __version__
from gramex.config import Loaded
from gramex.server.errors import StartError, mistake
from gramex.server.limits import DRAIN
from gramex.server.notify import ServiceManager
from gramex.server.sockets import Listener, open_listeners
from gramex.server.worker import SIGNALS, spawn

app_log = logging.getLogger("gramex")

STEP = 1.0  # seconds between two looks at most
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds before a process is started again; doubled each time
STEADY = 60.0  # seconds after which an end counts as the first
WATCHDOG = 120.0  # seconds without a sign of life after which a process is replaced
PATIENCE = 15.0  # seconds beyond the drain until a process that does not end is killed


class Worker:
    """One place among the processes, and the process that has it now (`pid` 0: none)."""

    def __init__(self, number: int, folder: Path):
        """`folder` is for the socket on which the process says that it is ready."""
        self.instance = "-".join(filter(None, (os.environ.get("GRAMEX_INSTANCE", ""), str(number))))
        self.path = folder / str(number)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.sock.setblocking(False)
        self.pid = 0
        self.ready = self.heard = False
        self.began = 0.0
        self.last = 0.0  # when it last gave a sign of life
        self.pause = FIRST_PAUSE
        self.due = 0.0  # when to start the next one, on the monotonic clock

    def start(self, listeners: list[Listener], watchdog: float) -> None:
        """Start a process; `watchdog` is the seconds in which it must give signs of life, 0 for none."""
        environment = {**os.environ, "GRAMEX_INSTANCE": self.instance, "NOTIFY_SOCKET": str(self.path)}
        if watchdog:
            environment["WATCHDOG_USEC"] = str(int(watchdog * 1_000_000))
        self.ready = self.heard = False
        self.began = time.monotonic()
        self.pid = spawn([listener.sock.fileno() for listener in listeners], environment)

    def listen(self) -> None:
        """Take what the process said."""
        try:
            while True:
                lines = self.sock.recv(4096).split(b"\n")
                self.ready = self.ready or b"READY=1" in lines
                self.heard = True
                self.last = time.monotonic()
        except BlockingIOError:
            return

    def kill(self, number: int) -> None:
        """Send a signal to the process, if there is one: it is ours until it has been waited for."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ended(self) -> None:
        """Note that the process is no more."""
        now = time.monotonic()
        if self.ready and now - self.began > STEADY:
            self.pause = FIRST_PAUSE
        self.pid, self.ready = 0, False
        self.due = now + self.pause
        self.pause = min(LONGEST_PAUSE, self.pause * 2)


class Supervisor:
    """One run of all processes. `run` is the whole of it."""

    def __init__(self, loaded: Loaded, count: int):
        """`count` processes shall serve the app."""
        self.loaded, self.count = loaded, count
        listen: dict[str, Any] = loaded.conf["app"]["listen"]
        self.drain = float(listen.get("drain", DRAIN))
        self.watchdog = read_watchdog(loaded)
        self.announced = False
        self.stopping = 0.0  # when the drain began, on the monotonic clock
        self.killed = False
        self.code = 0
        self.workers: list[Worker] = []

    def run(self) -> int:
        """Serve until told to stop; the exit code."""
        self.manager = ServiceManager()
        try:
            self.listeners = open_listeners(self.loaded)
        except StartError as error:
            app_log.error("%s", error)
            return error.code
        folder = Path(tempfile.mkdtemp(prefix="gramex-"))
        wake, self.wakened = socket.socketpair()
        wake.setblocking(False)
        self.wakened.setblocking(False)
        handlers = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        old_wake = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            for listener in self.listeners:
                if not listener.shared:
                    listener.open()
            self.workers = [Worker(number, folder) for number in range(1, self.count + 1)]
            while not self._is_over():
                self._start_due()
                self._wait()
                self._reap()
                self._end_hung()
                self._tell()
        except StartError as error:
            app_log.error("%s", error)
            self.code = error.code
        finally:
            signal.set_wakeup_fd(old_wake)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for listener in self.listeners:
                listener.close()
            for sock in (*(worker.sock for worker in self.workers), wake, self.wakened):
                sock.close()
            shutil.rmtree(folder, ignore_errors=True)
        return self.code

    def _is_over(self) -> bool:
        return bool(self.stopping) and not any(worker.pid for worker in self.workers)

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            if not (worker.pid or self.stopping) and now >= worker.due:
                intervals = [each for each in (self.watchdog, self.manager.interval * 2) if each]
                worker.start(self.listeners, min(intervals, default=0))
                if self.stopping:  # the signal came in between
                    worker.kill(signal.SIGTERM)
        if self.stopping and not self.killed and now > self.stopping + self.drain + PATIENCE:
            self.killed = True
            for worker in self.workers:
                worker.kill(signal.SIGKILL)

    def _wait(self) -> None:
        """Sleep until a signal or a message comes, or something is due."""
        dues = [worker.due - time.monotonic() for worker in self.workers if not (worker.pid or self.stopping)]
        steps = [STEP, *dues, *(each for each in (self.watchdog / 4, self.manager.interval) if each)]
        readable = [self.wakened, *(worker.sock for worker in self.workers)]
        select.select(readable, [], [], max(0.0, min(steps)))
        try:
            while self.wakened.recv(4096):
                pass
        except BlockingIOError:
            pass
        for worker in self.workers:
            worker.listen()

    def _reap(self) -> None:
        """Note which processes ended. One that never was ready, at the start of all, ends all."""
        for worker in self.workers:
            if not worker.pid:
                continue
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            code = os.waitstatus_to_exitcode(status)
            was_ready = worker.ready
            worker.ended()
            if self.stopping:
                continue
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            if not self.announced and not was_ready:
                app_log.error("Process %s %s before it was ready", worker.instance, how)
                self.code = code if code > 0 else 1
                self._stop(signal.SIGTERM)
            else:
                pause = worker.due - time.monotonic()
                app_log.error("Process %s %s. Another one starts in %.1f s", worker.instance, how, pause)

    def _end_hung(self) -> None:
        """Kill processes that have given no sign of life for too long; `_reap` sees to the next ones."""
        if not self.watchdog or self.stopping:
            return
        now = time.monotonic()
        for worker in self.workers:
            if worker.pid and worker.ready and now - worker.last > self.watchdog:
                app_log.error("Process %s has hung for %.0f s and is killed", worker.instance, now - worker.last)
                worker.last = now  # once
                worker.kill(signal.SIGKILL)

    def _tell(self) -> None:
        """Tell the service manager how we are."""
        if not self.announced and not self.stopping and all(worker.ready for worker in self.workers):
            self.announced = True
            status = f"{self.count} processes listening on {', '.join(map(str, self.listeners))}"
            if sys.stdout is not None:
                with contextlib.suppress(OSError, ValueError):
                    print(f"Gramex {__version__}: {status}. Press Ctrl-C to stop", flush=True)
            self.manager.ready(status)
        if self.manager.interval and all(worker.heard or not worker.ready for worker in self.workers):
            for worker in self.workers:
                worker.heard = False
            self.manager.alive()

    def _on_signal(self, number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            if not self.stopping:
                for worker in self.workers:
                    worker.kill(number)
        elif number != signal.SIGCHLD:
            self._stop(number)

    def _stop(self, number: int) -> None:
        """Pass on the signal; a second one makes the processes end at once."""
        if not self.stopping:
            self.stopping = time.monotonic()
            self.manager.stopping("draining")
            for listener in self.listeners:
                listener.withdraw()
        for worker in self.workers:
            worker.kill(number)


def read_watchdog(loaded: Loaded) -> float:
    """Return the seconds after which a process that gives no sign of life is replaced; 0 for never.

    Raises:
        ConfigError: the value of ``app.listen.watchdog`` cannot be meant.
    """
    seconds = ((loaded.conf.get("app") or {}).get("listen") or {}).get("watchdog", WATCHDOG)
    if seconds is False:
        return 0.0
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise mistake(loaded, f"must be a number of seconds, 0 for never, not {seconds!r}", "listen", "watchdog")
    return float(seconds)


def count_processes(loaded: Loaded) -> int:
    """Return how many processes shall serve an app.

    Raises:
        ConfigError: the value of ``app.listen.processes`` cannot be meant.
    """
    count = ((loaded.conf.get("app") or {}).get("listen") or {}).get("processes")
    if count is None:
        return 1
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 256:
        raise mistake(loaded, f"must be a whole number from 1 to 256, not {count!r}", "listen", "processes")
    if count > 1 and not hasattr(os, "fork"):
        raise mistake(loaded, "this system has no sockets that processes share. Use 1", "listen", "processes")
    return count
