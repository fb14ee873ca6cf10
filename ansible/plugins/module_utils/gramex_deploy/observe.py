"""Watches a release for a while after it was brought into service, and goes back to the one before where it fails.

Where two can serve at the same time, the former colour keeps on serving beside it until the time is over: going back
then costs no request.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from . import files
from .problem import Problem
from .record import Record, active
from .switch import Services

STEP = 0.2  # seconds


@dataclass(frozen=True)
class Watch:
    """A release that just came into service. `fresh`: nobody knew before whether it is good."""

    release: str
    colour: str
    former: str | None
    fresh: bool
    began: float
    lives: list[str]

    @classmethod
    def begin(cls, release: str, colour: str, former: str | None, fresh: bool, services: Services) -> Watch:
        """Remember the processes that are to go on."""
        return cls(release, colour, former, fresh, time.time(), services.lives(colour))

    def wait(self, home: Path, record: Record, services: Services, seconds: int, timeout: int) -> None:
        """Watch it for so many seconds. Raises Problem with the end of its log after going back to the former one."""
        while time.time() < self.began + seconds:
            if not set(self.lives) <= set(services.lives(self.colour)):
                lived = time.time() - self.began
                log = services.log_of(self.colour, self.began)
                back = self._go_back(home, record, services, timeout)
                said = f"release {self.release} ended {lived:.0f} s after it came into service (observe: {seconds})"
                raise Problem(f"{said}. {back}. The end of its log:\n{log}")
            time.sleep(STEP)

    def _go_back(self, home: Path, record: Record, services: Services, timeout: int) -> str:
        if self.fresh and self.release in record.releases:
            record.releases[self.release].state = "bad"
            record.write(home)
        if self.former is None or active(home) != self.colour:
            return "There is none before it to go back to"
        if services.state(self.former) != "running":
            if not services.both:  # the new one has what the former needs: its port
                services.give_way(self.colour)
            services.start(self.former, timeout, keep=True)
        files.replace(home / "active", f"{self.former}\n".encode())
        services.face(self.former)
        services.drain(self.colour)
        record.started.pop(self.colour, None)
        record.write(home)
        return "The one before it serves again"
