"""Replaces the running application by one from the configuration as it is now, or keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from gramex.config import ConfigError, Loaded, Problem
from gramex.server.tls import load_certificate
from gramex.server.web import WebServer

app_log = logging.getLogger("gramex")

Build = Callable[..., Any]


def reload_application(server: WebServer, read: Callable[[], Loaded], grace: float) -> bool:
    """Build the application anew beside the running one and swap whole. False if the running one was kept.

    Requests that began before are finished by the old application; what only it needs is closed `grace` seconds later.
    A mistake that the running configuration does not have is logged with its place, and nothing changes.
    """
    from gramex import services
    from gramex.handlers.routing import build

    old = server.application
    try:
        loaded = read()
        mistakes = new_mistakes(loaded.problems, old.loaded.problems)
        if mistakes:
            for problem in mistakes:
                problem.log()
            raise ConfigError(mistakes[0])
        if server.tls is not None and loaded.conf.get("app", {}).get("listen", {}).get("ssl_options"):
            load_certificate(server.tls, loaded)
        started = services.start(loaded, old.services)
    except ConfigError as error:
        app_log.error("Reload: %s. The configuration of before stays in use", error)
        return False
    except Exception:
        app_log.exception("Reload failed. The configuration of before stays in use")
        return False
    try:
        application = build(loaded, started, old)
    except Exception as error:
        app_log.error("Reload: %s. The configuration of before stays in use", error, exc_info=True)
        old.services.taken.clear()  # they are the old one's again
        return False
    if (loaded.conf.get("app") or {}).get("listen") != (old.loaded.conf.get("app") or {}).get("listen"):
        app_log.warning("Reload: changes of app.listen take effect at the next start")
    server.application = application
    loaded.report(first=False)
    asyncio.get_running_loop().call_later(grace, old.services.close)
    app_log.info("Reloaded %s", loaded.folder)
    return True


def new_mistakes(now: list[Problem], before: list[Problem]) -> list[Problem]:
    """Return the errors of `now` that `before` did not have. Lines do not count: they move when others change."""
    known = {(problem.message, problem.file, problem.key) for problem in before}
    return [
        problem
        for problem in now
        if problem.level >= logging.ERROR and (problem.message, problem.file, problem.key) not in known
    ]
