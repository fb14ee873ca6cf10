"""What runs beside the handlers: data folder, cookie key, logs, sessions, threads."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gramex.services.datafolder import cookie_secret, ensure_data_folder

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from gramex.config import Loaded
    from gramex.services.background import Background
    from gramex.services.log import RequestLog
    from gramex.services.session import SessionStore

app_log = logging.getLogger("gramex")

PURGE = 3600  # seconds between two removals of ended sessions, unless `app.session.purge` says so
BACKGROUND = ("schedule", "alert", "watch", "email")  # sections that are there beside the requests

current: Services | None = None  # those in use, for the app's code


class Services:
    """The services of one configuration.

    `data` is the data folder, `writable` whether it can be written, `instance` the name of this process among those of
    the app ('' for none), `cookie_secret` the key that signs cookies, `websockets` the open websocket handlers, which
    the server closes when it drains: a handler adds itself when it opens and removes itself when it closes.
    """

    writable: bool
    websockets: set[Any]
    cookie_secret: str
    log: RequestLog
    background: Background | None
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, loaded: Loaded, old: Services | None = None):
        """Start what the configuration asks for; take over from `old` what did not change."""
        from gramex.config import variables

        self.loaded, self.background = loaded, None
        self.conf = loaded.conf
        self.instance = os.environ.get("GRAMEX_INSTANCE", "")
        self.data = Path(str(variables["GRAMEXDATA"])).absolute()
        self.log_section: Mapping[str, Any] = self.conf.get("log") or {}
        if old is None:
            self.configure_log()
        self.log = old.log if old is not None and old.log_section == self.log_section else self._open_log()
        app = self.conf.get("app") or {}
        self.websockets = old.websockets if old is not None else set()
        if old is not None and old.data == self.data:
            self.writable = old.writable
        else:
            self.writable = ensure_data_folder(self.data)
        # A variable comes from the environment or from .secrets.yaml.
        configured = (app.get("settings") or {}).get("cookie_secret") or variables.get("GRAMEX_COOKIE_SECRET")
        if old is not None and configured == old._configured_secret and self.data == old.data:
            self.cookie_secret = old.cookie_secret
        else:
            self.cookie_secret = cookie_secret(configured, self.data, self.writable)
        self._configured_secret: Any = configured
        for name, section in (("sessions", "session"), ("executor", "threadpool")):
            self._take_over(old, name, section)

    def configure_log(self) -> None:
        """Set up Python's logging as this configuration says."""
        from gramex.services.log import configure

        configure(self.log_section, self.instance, self.loaded.folder)

    def replace(self, old: Services) -> None:
        """Take effect in place of `old`, now that the application of this configuration stands."""
        if self.log is not old.log:
            old.log.flush()
            self.configure_log()
        self._use()
        self.prepare(old.background)
        self.begin()

    def _use(self) -> None:
        global current
        current = self

    def prepare(self, background: Background | None = None) -> None:
        """Read what shall work beside the requests. `background` is what does so already, for another configuration."""
        if background is None and any(self.conf.get(section) for section in BACKGROUND):
            from gramex.services.background import Background

            background = Background()
        self.background = background
        if background is not None:
            background.read(self)

    def begin(self) -> None:
        """Start what works beside the requests, or go on with it. For the thread of the event loop, which runs."""
        if self.background is not None:
            self.background.begin()
        self._tidy_later()

    def _tidy_later(self) -> None:
        section = self._section("session")
        period = section.get("purge") if isinstance(section, Mapping) else None
        self._timer = asyncio.get_running_loop().call_later(period or PURGE, self._tidy)

    def _tidy(self) -> None:
        """Remove the sessions that have ended, if any was ever asked for."""
        try:
            if "sessions" in self.__dict__:
                self.sessions.tidy()
        except Exception as error:
            app_log.error("app.session: ended sessions are not removed: %s", error)
        self._tidy_later()

    def _open_log(self) -> RequestLog:
        """Return the request log, whose file is opened by the first row."""
        from gramex.services.log import KEYS, RequestLog

        spec = (self.log_section.get("handlers") or {}).get("requests")
        if not isinstance(spec, Mapping):
            return RequestLog(None)
        filename, kept = str(spec.get("filename") or "logs/requests.csv"), spec.get("backupCount")
        arguments: dict[str, Any] = {"instance": self.instance, "kept": kept if isinstance(kept, int) else 52}
        try:
            return RequestLog(self.data / filename, spec.get("keys") or KEYS, **arguments)
        except ValueError as error:
            where = self.loaded.where("log", "handlers", "requests", "keys")
            app_log.error("%slog.handlers.requests.keys: %s", f"{where}: " if where else "", error)
            return RequestLog(self.data / filename, **arguments)

    def _section(self, name: str) -> Any:
        section = self.conf.get(name)
        if section is None:
            section = (self.conf.get("app") or {}).get(name)
        return section

    def _take_over(self, old: Services | None, name: str, section: str) -> None:
        """Use a service of the old configuration, if it was started and its section is the same."""
        if old is not None and name in old.__dict__ and old._section(section) == self._section(section):
            self.__dict__[name] = old.__dict__[name]

    @cached_property
    def sessions(self) -> SessionStore:
        """The session store, opened when it is first asked for."""
        from gramex.services.session import open_store

        return open_store(self._section("session") or {}, self.data)

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for work that blocks, made when first asked for: ``threadpool.workers`` of them at most."""
        from concurrent.futures import ThreadPoolExecutor

        section = self._section("threadpool")
        workers = section.get("workers") if isinstance(section, Mapping) else None
        return ThreadPoolExecutor(workers if isinstance(workers, int) and workers > 0 else 16, "gramex")

    def flush(self) -> None:
        """Write what waits in memory, before a process ends at once."""
        self.log.flush()

    def close(self, other: Services | None = None) -> None:
        """End what `other`, which goes on, does not use; nothing that was promised to be kept is lost."""
        used = other.__dict__ if other is not None else {}
        if self._timer is not None:
            self._timer.cancel()
        for name in ("executor", "sessions", "log"):
            service = self.__dict__.get(name)
            if service is None or service is used.get(name):
                continue
            if name == "executor":
                service.shutdown(wait=False, cancel_futures=True)
            else:
                service.close()


def start(loaded: Loaded, old: Services | None = None) -> Services:
    """Start the services of a configuration; `old` are those of the one that it replaces, in use until then."""
    services = Services(loaded, old)
    if old is None:
        services._use()
    return services
