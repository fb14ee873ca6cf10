"""Replaces the running application by one from the configuration as it is now, or keeps it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gramex.config import ConfigError, Loaded, Problem
from gramex.server.tls import load_certificate
from gramex.server.web import WebServer

if TYPE_CHECKING:
    from gramex.services import Services

app_log = logging.getLogger("gramex")


def reload_application(server: WebServer, read: Callable[[], Loaded]) -> Services | None:
    """Build the application anew beside the running one and swap whole.

    Requests that began before are finished by the old application, whose services are returned: the caller closes them
    when those requests are over. None if the running application was kept: a mistake that its configuration does not
    have is logged with its place, and nothing changes.
    """
    from gramex import services
    from gramex.handlers.application import session_cookie
    from gramex.handlers.routing import build

    old: Any = server.application
    started: Services | None = None
    try:
        loaded = read()
        session_cookie(loaded, old.services)  # a mistake is told now, and not at the next start
        keep_app(loaded, old.loaded)
        mistakes = new_mistakes(loaded.problems, old.loaded.problems)
        if mistakes:
            raise ConfigError(*mistakes)
        started = services.start(loaded, old.services)
        application = build(loaded, started, old)
        if server.tls is not None and section(loaded, "listen").get("ssl_options"):
            load_certificate(server.tls, loaded)
    except Exception as error:
        if isinstance(error, ConfigError):
            for problem in error.problems:
                app_log.error("%s", problem)
        else:
            app_log.exception("The configuration cannot be used")
        app_log.error("Reload failed: the configuration of before stays in use")
        if started is not None:
            started.close(old.services)
        return None
    started.replace(old.services)
    server.application = application
    loaded.report(first=False)
    app_log.info("Reloaded %s", loaded.folder)
    return old.services


def keep_app(loaded: Loaded, before: Loaded) -> None:
    """Leave the section ``app:`` as it was, and say what changed in it: sockets, keys, cookies are those of a start."""
    now, was = loaded.conf.get("app") or {}, before.conf.get("app") or {}
    names = []
    for name in sorted({*now, *was}, key=str):
        new, old = now.get(name), was.get(name)
        if new != old:
            keys: list[str] = []
            if isinstance(new, dict) and isinstance(old, dict):
                keys = sorted(str(key) for key in {*new, *old} if new.get(key) != old.get(key))
            names += [f"app.{name}.{key}" for key in keys] or [f"app.{name}"]
    if names:
        app_log.warning("Changes of %s are ignored while running, and take effect at the next start", ", ".join(names))
        loaded.conf["app"] = was


def section(loaded: Loaded, name: str) -> dict[str, Any]:
    """Return ``app.NAME``."""
    return (loaded.conf.get("app") or {}).get(name) or {}


def new_mistakes(now: list[Problem], before: list[Problem]) -> list[Problem]:
    """Return the errors of `now` that `before` did not have. Lines do not count: they move when others change."""
    known = {(problem.message, problem.file, problem.key) for problem in before}
    return [
        problem
        for problem in now
        if problem.level >= logging.ERROR and (problem.message, problem.file, problem.key) not in known
    ]
