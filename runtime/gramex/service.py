"""What apps use of the services in use: ``email[NAME].mail(...)``, ``schedule[NAME].run()``, ``threadpool``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gramex import services
from gramex.config import inuse

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services.email import Mailer
    from gramex.services.schedule import Task


class Email(Mapping[str, "Mailer"]):
    """The entries of ``email:`` in the configuration in use; a reload refreshes it."""

    def __init__(self) -> None:
        self._loaded: Loaded | None = None
        self._mailers: dict[str, Mailer] = {}

    def _current(self) -> dict[str, Mailer]:
        if inuse.loaded is not self._loaded:
            from gramex.services.email import Mailer, read_servers

            servers = read_servers(inuse.loaded) if inuse.loaded else {}
            self._mailers = {name: Mailer(server) for name, server in servers.items()}
            self._loaded = inuse.loaded
        return self._mailers

    def __getitem__(self, name: str) -> Mailer:
        """Return what sends mail by an entry.

        Raises:
            KeyError: there is no such entry, or it has a mistake.
        """
        try:
            return self._current()[name]
        except KeyError:
            raise KeyError(f"email: has no entry {name!r} that could be used") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())


class Threads(Executor):
    """The threads of the server that runs; without one, threads of its own."""

    _own: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread."""
        if services.current is not None:
            return services.current.executor.submit(function, *args, **kwargs)
        if self._own is None:
            self._own = ThreadPoolExecutor(16, "gramex")
        return self._own.submit(function, *args, **kwargs)


class Runnable:
    """An entry that can be run at once."""

    def __init__(self, task: Task):
        """Take the task of the entry."""
        self.task = task

    def run(self) -> Any:
        """Run it now, whatever its times, and return what it returns.

        That is a future where it is a coroutine or works in a thread; it need not be awaited.

        Raises:
            Exception: what the function raises, unless it is to be awaited.
        """
        if self.task.thread:
            return threadpool.submit(self.task.function)
        result = self.task.function()
        if not inspect.isawaitable(result):
            return result
        from gramex.handlers.sessionwait import hold

        return hold(asyncio.ensure_future(result))


class Tasks(Mapping[str, Runnable]):
    """The entries of ``schedule:`` or ``alert:`` in the configuration in use, those with a mistake left out."""

    def __init__(self, section: str):
        """Name the section."""
        self.section = section

    def _current(self) -> dict[str, Task]:
        background = services.current.background if services.current is not None else None
        tasks = background.tasks if background is not None else {}
        found = (label.partition(":") for label in tasks)
        return {name: tasks[f"{section}:{name}"] for section, _, name in found if section == self.section}

    def __getitem__(self, name: str) -> Runnable:
        """Return what runs an entry.

        Raises:
            KeyError: there is no such entry, or it has a mistake.
        """
        try:
            return Runnable(self._current()[name])
        except KeyError:
            raise KeyError(f"{self.section}: has no entry {name!r} that could be used") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())


email = Email()
threadpool = Threads()
schedule = Tasks("schedule")
alert = Tasks("alert")
