"""What works beside the requests, from the start of the server to its drain, over all reloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gramex.services.schedule import Schedule, Task, read_schedule
from gramex.services.schedule.holder import Holder, lock_name

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services


class Background:
    """The tasks of the configuration in use. For the thread of the event loop."""

    services: Services

    def __init__(self) -> None:
        """Begin with nothing; `read` says what there is to do."""
        self.tasks: dict[str, Task] = {}
        self.schedule: Schedule | None = None

    def read(self, services: Services) -> None:
        """Read what the configuration of `services` says. What it leaves as it was is not disturbed."""
        self.services = services
        self.tasks = read_schedule(services.loaded, self.tasks)

    def begin(self) -> None:
        """Do what was read."""
        if self.schedule is None and self.tasks:
            services = self.services
            name = lock_name(services.data, services.loaded.folder)
            self.schedule = Schedule(Holder(services.data if services.writable else None, name), self._in_thread)
        if self.schedule is not None:
            self.schedule.set(self.tasks)

    def pause(self) -> None:
        """Start nothing more."""
        if self.schedule is not None:
            self.schedule.pause()

    async def finish(self, seconds: float) -> None:
        """Wait until nothing is at work, but no longer than `seconds`."""
        if self.schedule is not None:
            await self.schedule.finish(seconds)

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self.services.executor, function, *args)


def check(loaded: Loaded) -> None:
    """Read the sections without doing what they say; mistakes go to the log."""
    read_schedule(loaded, {})
