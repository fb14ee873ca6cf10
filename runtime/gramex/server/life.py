"""The life of the server process in three steps: start up, serve, shut down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from gramex import __version__
from gramex.config import Loaded
from gramex.config.layers import short_path
from gramex.server.acceptor import Acceptor
from gramex.server.changes import INTERVAL, Changes
from gramex.server.drain import drain
from gramex.server.errors import StartError, mistake
from gramex.server.health import check_health
from gramex.server.limits import DRAIN, read_limits
from gramex.server.notify import ServiceManager
from gramex.server.reload import reload_application
from gramex.server.signals import Signals
from gramex.server.sockets import Listener, open_listeners
from gramex.server.tls import tls_context
from gramex.server.watchman import Watchman
from gramex.server.web import WebServer
from gramex.server.worker import is_supervised
from gramex.services.events import Events

if TYPE_CHECKING:
    from gramex.server import Host
    from gramex.server.admin import Admin
    from gramex.services import Services

app_log = logging.getLogger("gramex")

HEALTH_TIMEOUT = 30.0  # seconds
SELECTABLE = 400  # connections: Python's select() takes 512 sockets on Windows, also those that handlers open


class Life:
    """One run of the server. `run` is the whole of it."""

    def __init__(self, loaded: Loaded, reload: Callable[[], Loaded], host: Host | None = None):
        """`reload` reads the configuration anew, `host` hears how the start went."""
        self.host = host
        self.loaded, self.changes = loaded, Changes(loaded, reload)
        self.listen: dict[str, Any] = (loaded.conf.get("app") or {}).get("listen") or {}
        self.services: Services | None = None  # those in use
        self.admin: Admin | None = None
        self.retired: list[Services] = []  # of configurations before, which requests may still use
        self.listeners: list[Listener] = []
        self.acceptors: list[Acceptor] = []
        self.tasks: list[asyncio.Future[None]] = []
        self.stopped = asyncio.Event()
        self.signal = 0

    async def run(self) -> int:
        """Serve until told to stop; the exit code."""
        self.loop = asyncio.get_running_loop()
        self.manager = ServiceManager()
        self.signals = Signals(self._stop, self._end, self._reload)
        try:
            await self.start_up()
            await self.serve()
            await self.shut_down()
            return 0
        except StartError as error:
            app_log.error("%s", error)
            self.manager.tell(f"STATUS={error}", "ERRNO=1")
            if self.host is not None:
                self.host.failed(str(error))
            return error.code
        finally:
            for listener in self.listeners:
                listener.close()
            if self.admin is not None:
                self.admin.close()
            await cancel_rest()
            for retired in list(self.retired):
                self._retire(retired)
            if self.services is not None:
                self.services.close()
            self.signals.restore()

    async def start_up(self) -> None:
        """Get sockets, services and application, and see that the application is healthy, before anybody is accepted.

        Raises:
            StartError: the sockets cannot be had, or the application is not healthy.
            ConfigError: a setting of the server is wrong.
        """
        from gramex import services

        self.services = services.start(self.loaded)
        logs = self.services.data / "logs" / "events.db"
        self.events = Events(logs, self.loaded.folder, __version__, self.services.instance)
        self.loaded.report()
        self.drain = self._seconds("drain", DRAIN)
        limits, tls = read_limits(self.loaded), tls_context(self.loaded)
        self.listeners = open_listeners(self.loaded)
        from gramex.handlers.routing import build

        raise_file_limit()
        self.server = WebServer(build(self.loaded, self.services), limits, tls)
        if (self.loaded.conf.get("app") or {}).get("admin"):
            from gramex.server.admin import Admin

            self.admin = Admin(self.loaded, self.server, self._phase)
            self.admin.start()
        self.services.prepare()
        health = self.listen.get("health")
        if health:
            timeout = self._seconds("health_timeout", HEALTH_TIMEOUT)
            await self._unless_stopped(check_health(self.server, str(health), timeout))

    async def serve(self) -> None:
        """Accept connections until told to stop."""
        if self.stopped.is_set():
            return
        full = self._full if os.name == "nt" else None
        self.acceptors = [Acceptor(listener.sock, self.server.accept, full) for listener in self.listeners]
        for listener, acceptor in zip(self.listeners, self.acceptors, strict=True):
            listener.open()
            acceptor.start()
        assert self.services is not None  # noqa: S101  for mypy
        self.services.begin()  # before anybody may change a file that is watched
        self._announce()
        # What lives until the end need not be looked at by each full collection, which requests would wait for.
        gc.freeze()
        # Not before: nobody waits for it, and it takes longer than a request.
        self.events.note_soon("startup")
        watchman = Watchman(self.server)
        self.tasks.append(asyncio.ensure_future(repeat(watchman.look, watchman.interval)))
        if self.manager.interval:
            self.manager.alive()
            self.tasks.append(asyncio.ensure_future(repeat(self.manager.alive, self.manager.interval)))
        self.tasks.append(asyncio.ensure_future(repeat(self._look, INTERVAL)))
        await self.stopped.wait()

    async def shut_down(self) -> None:
        """Accept no more, finish what began, close."""
        self.manager.stopping("draining")
        background = self.services.background if self.services else None
        if background is not None:
            background.pause()  # first of all: another process may take over
        begin = self.loop.time()
        for listener, acceptor in zip(self.listeners, self.acceptors, strict=False):
            listener.withdraw()
            acceptor.stop()
            if not listener.shared:
                acceptor.take_waiting()
            listener.close()
        waiting = len(self.server.connections) + self.server.open_tunnels()
        if waiting:
            again = " Press Ctrl-C again to stop at once" if self.signal == signal.SIGINT else ""
            app_log.info("Stopping: up to %g s for %d connections.%s", self.drain, waiting, again)
        websockets = self.server.application.services.websockets
        await drain(self.server, websockets, self.drain, proxies=self.signal != signal.SIGINT)
        if background is not None:
            await background.finish(max(0.0, begin + self.drain - self.loop.time()))
        self.events.note("shutdown")
        app_log.info("Stopped")

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for `work`, but no longer than until a signal says to stop."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self.stopped.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if task.done():
            task.result()
        else:
            task.cancel()

    def _full(self) -> bool:
        return len(self.server.connections) + self.server.open_tunnels() >= SELECTABLE

    def _phase(self) -> str:
        return "draining" if self.stopped.is_set() else "ready" if self.acceptors else "starting"

    def _announce(self) -> None:
        """Say on the console and to the service manager where this process listens."""
        scheme = "https" if self.server.tls else "http"
        for listener in self.listeners:
            if listener.unix:
                app_log.info("Listening on %s", listener)
            else:
                app_log.info("Listening on port %s (%s)", listener.sock.getsockname()[1], listener)
        first = self.listeners[0]
        if sys.stdout is not None and not is_supervised():
            with contextlib.suppress(OSError, ValueError):
                url = str(first) if first.unix else f"{scheme}://{browsable(first.sock.getsockname())}/"
                print(f"Gramex {__version__} listening on {url}. Press Ctrl-C to stop", flush=True)
        self.manager.ready(f"listening on {', '.join(map(str, self.listeners))}")
        if self.host is not None:
            self.host.ready()

    def _seconds(self, key: str, default: float) -> float:
        value = self.listen.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise mistake(self.loaded, f"must be a number of seconds, not {value!r}", "listen", key)
        return float(value)

    def stop(self) -> None:
        """Do what SIGTERM does. Any thread may call it."""
        self.loop.call_soon_threadsafe(self._stop, int(signal.SIGTERM))

    def _stop(self, number: int) -> None:
        self.signal = number
        self.stopped.set()

    def _end(self) -> None:
        """End at once: what waits in memory is written, sockets of ours are removed, and nothing else is waited for."""
        with contextlib.suppress(Exception):
            for listener in self.listeners:
                listener.withdraw()
            if self.admin is not None:
                self.admin.withdraw()
            if self.services is not None:
                self.services.flush()
        os._exit(0)

    def _look(self) -> None:
        """Reload if a file of the configuration changed."""
        app = self.server.application.loaded.conf.get("app") or {}
        if app.get("watch") is False or self.stopped.is_set():
            return
        changed = self.changes.look()
        if changed:
            app_log.info("%s changed", ", ".join(str(short_path(path, self.loaded.folder)) for path in changed))
            self._reload()

    def _reload(self) -> None:
        if not self.acceptors:
            return
        self.manager.reloading()
        old = reload_application(self.server, self.changes.read)
        self.manager.ready("reloaded" if old else "running with the configuration of before: the new one has a mistake")
        if self.admin is not None:
            self.admin.reloaded(old is not None)
        if old is not None:
            self.services = self.server.application.services
            self.retired.append(old)
            self.loop.call_later(self.drain, self._retire, old)

    def _retire(self, services: Services) -> None:
        """Close services that only requests of an earlier configuration could use."""
        if services in self.retired:
            self.retired.remove(services)
            services.close(self.services)
            gc.unfreeze()  # the old application was frozen too
            gc.collect()
            gc.freeze()


async def cancel_rest() -> None:
    """Let handlers and other coroutines that are still at work clean up, for a second at most."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def repeat(function: Callable[[], None], seconds: float) -> None:
    """Call a function again and again. If it fails, that is logged, and it is called again."""
    while True:
        await asyncio.sleep(seconds)
        try:
            function()
        except Exception:
            app_log.exception("A regular task of the server failed")


def browsable(name: tuple[Any, ...]) -> str:
    """Return an address for a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(name[0]) or (f"[{name[0]}]" if ":" in name[0] else name[0])  # noqa: S104
    return f"{host}:{name[1]}"


def raise_file_limit() -> None:
    """Allow as many open files as the system lets this process have: each connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1_048_576
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
