"""What works beside the requests, from the start of the server to its drain, over all reloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services
    from gramex.services.schedule import Schedule, Task
    from gramex.services.watch import Watch, Watcher

SCHEDULE = ("schedule", "alert")  # sections with tasks


class Background:
    """The tasks and watches of the configuration in use. For the thread of the event loop."""

    services: Services

    def __init__(self) -> None:
        """Begin with nothing; `read` says what there is to do."""
        self.tasks: dict[str, Task] = {}
        self.watches: dict[str, Watch] = {}
        self.schedule: Schedule | None = None
        self.watcher: Watcher | None = None

    def read(self, services: Services) -> None:
        """Read what the configuration of `services` says. What it leaves as it was is not disturbed."""
        self.services = services
        check_email(services.loaded)
        self.tasks = read_tasks(services.loaded, self.tasks)
        self.watches = read_watches(services.loaded, self.watches)

    def begin(self) -> None:
        """Do what was read."""
        if self.schedule is None and self.tasks:
            from gramex.services.schedule import Schedule
            from gramex.services.schedule.holder import Holder, lock_name

            services = self.services
            name = lock_name(services.data, services.loaded.folder)
            self.schedule = Schedule(Holder(services.data if services.writable else None, name), self._in_thread)
        if self.schedule is not None:
            self.schedule.set(self.tasks)
        if self.watcher is None and self.watches:
            from gramex.services.watch import Watcher

            self.watcher = Watcher(asyncio.get_running_loop())
        if self.watcher is not None:
            self.watcher.set(self.watches)

    def pause(self) -> None:
        """Start nothing more."""
        if self.schedule is not None:
            self.schedule.pause()
        if self.watcher is not None:
            self.watcher.stop()

    async def finish(self, seconds: float) -> None:
        """Wait until nothing is at work, but no longer than `seconds`."""
        if self.schedule is not None:
            await self.schedule.finish(seconds)

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self.services.executor, function, *args)


def read_tasks(loaded: Loaded, old: Mapping[str, Task]) -> dict[str, Task]:
    """Return all tasks by their labels; those of `old` whose entries are the same, as they are."""
    if not any(loaded.conf.get(section) for section in SCHEDULE):
        return {}
    from gramex.services.schedule import read_schedule

    tasks = read_schedule(loaded, old)
    if loaded.conf.get("alert"):
        from gramex.services.email.alert import read_alerts

        tasks |= read_alerts(loaded, old)
    return tasks


def read_watches(loaded: Loaded, old: Mapping[str, Watch]) -> dict[str, Watch]:
    """Return the entries of ``watch:`` by their labels, as `read_tasks` does."""
    if not loaded.conf.get("watch"):
        return {}
    from gramex.services import watch

    return watch.read_watches(loaded, old)


def check_email(loaded: Loaded) -> None:
    """Read ``email:``; mistakes go to the log, rather than to the first who sends mail."""
    if loaded.conf.get("email"):
        from gramex.services.email import read_servers

        read_servers(loaded)


def check(loaded: Loaded) -> None:
    """Read the sections without doing what they say; mistakes go to the log."""
    check_email(loaded)
    read_tasks(loaded, {})
    read_watches(loaded, {})
