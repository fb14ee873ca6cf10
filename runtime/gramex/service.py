"""What apps use of the services in use: ``gramex.service.email[NAME].mail(...)``, ``gramex.service.threadpool``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gramex import services
from gramex.config import inuse

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services.email import Mailer


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


email = Email()
threadpool = Threads()
