"""Asks Windows' service manager for things: registers an app's service, starts it, stops it, removes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import release
from .problem import Problem

MISSING = 1060  # ERROR_SERVICE_DOES_NOT_EXIST
NOT_ACTIVE = 1062  # ERROR_SERVICE_NOT_ACTIVE
RUNNING_ALREADY = 1056  # ERROR_SERVICE_ALREADY_RUNNING
STOPPED, RUNNING = 1, 4
STATES = {1: "stopped", 2: "starting", 3: "stopping", 4: "running", 5: "resuming", 6: "pausing", 7: "paused"}
STEP = 0.1


@dataclass(frozen=True)
class Service:
    """A service by its name, such as gramex-site."""

    name: str

    def state(self) -> int:
        """Return Windows' number of the state, 0 where the service is not registered."""
        return int(_ask(lambda api, _error: api.QueryServiceStatus(self.name)[1], missing=0))

    @property
    def running(self) -> bool:
        """Whether it is running now."""
        return self.state() == RUNNING

    def register(self, python: Path, script: Path, folder: Path, account: str, options: Sequence[str]) -> None:
        """Let the service run a release from its next start on. Raises Problem with what Windows said.

        A new one is given its account at once: it would be the system's own until somebody changes that.
        """
        command = ["update"] if self.state() else ["install", f"--user={account}"]
        words = [str(python), str(script), *command, f"--cwd={folder}", "--startup=auto", *options]
        done = release.run(words, script.parent, {})
        if done.returncode or not self.state():
            raise Problem(f"service {self.name}: {command[0]}: {last(done.stdout)}")

    def start(self, seconds: float) -> None:
        """Start it and wait until it runs. Raises Problem."""
        _ask(lambda api, _error: api.StartService(self.name), known=RUNNING_ALREADY)
        self._wait(RUNNING, seconds, "does not start")

    def stop(self, seconds: float) -> None:
        """Stop it and wait until it has: it may take its drain time. Raises Problem."""
        _ask(lambda api, _error: api.StopService(self.name), known=NOT_ACTIVE, missing=None)
        self._wait(STOPPED, seconds, "does not stop")

    def remove(self, seconds: float) -> None:
        """Stop it and take it from the service manager's list."""
        if self.state():
            self.stop(seconds)
            _ask(lambda api, _error: api.RemoveService(self.name), missing=None)

    def _wait(self, wanted: int, seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while (state := self.state()) not in (wanted, 0):
            if wanted == RUNNING and state == STOPPED:
                raise Problem(f"service {self.name} ended before it was ready")
            if time.monotonic() > until:
                raise Problem(f"service {self.name} {what}: after {seconds:.0f} s it is {STATES.get(state, state)}")
            time.sleep(STEP)


def _ask(question: Any, known: int = 0, missing: Any = Problem) -> Any:
    """Ask the service manager; error `known` is no error, and without a service the answer is `missing`."""
    import pywintypes
    import win32serviceutil

    try:
        return question(win32serviceutil, pywintypes.error)
    except pywintypes.error as error:
        if error.winerror == known:
            return None
        if error.winerror == MISSING and missing is not Problem:
            return missing
        raise Problem(f"the service manager says: {error.strerror} ({error.funcname}, {error.winerror})") from error


def last(text: str) -> str:
    """Return the last line of a program's output."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no output")
