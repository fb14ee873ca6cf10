"""Builds the application from the configuration."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gramex.handlers.application import Application
from gramex.handlers.entries import Entries, FailedHandler, StatusHandler
from gramex.handlers.patterns import precedence
from gramex.handlers.trusted import Trusted

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services

app_log = logging.getLogger("gramex")


def trusted_peers(loaded: Loaded) -> Trusted:
    """Return whose proxy headers count, by ``app.listen``.

    Raises:
        ConfigError: ``trusted`` has something that is neither address nor network.
    """
    listen = (loaded.conf.get("app") or {}).get("listen") or {}
    try:
        return Trusted(listen.get("trusted"), listen.get("xheaders") is not False)
    except ValueError as error:
        from gramex.config import ConfigError, Problem

        where = loaded.where("app", "listen", "trusted")
        message = f"{where}: {error}" if where else str(error)
        raise ConfigError(Problem(logging.ERROR, message, key="app.listen.trusted")) from None


# Arguments of tornado's Application that are no settings, and are ours to give.
NO_SETTINGS = ("handlers", "transforms", "default_host")


def build(loaded: Loaded, services: Services, previous: Application | None = None) -> Application:
    """Return the application for a configuration; `previous` lends the classes of entries that did not change.

    A mistake in one url entry is logged; that entry answers 500 or is left out, the others are served.

    Raises:
        ConfigError: a mistake in what concerns all: ``app.session``, ``app.listen.trusted``.
    """
    given = (loaded.conf.get("app") or {}).get("settings") or {}
    settings = {str(key): value for key, value in given.items() if key not in NO_SETTINGS}
    settings["cookie_secret"] = services.cookie_secret
    application = Application(loaded, services, trusted_peers(loaded), settings)
    entries = Entries(loaded, services, previous)
    application.not_found, application.failed = entries.stand_in(StatusHandler), entries.stand_in(FailedHandler)
    found = []
    for name, spec in (loaded.conf.get("url") or {}).items():
        entry = entries.parse(str(name), spec)
        cls = entries.set_up(entry) if entry else None
        if entry and cls:
            found.append((precedence(entry.pattern, entry.priority), entry.pattern, cls))
            application.entries[entry.name] = cls
    for _, pattern, cls in sorted(found, key=lambda each: each[0]):
        application.router.add(pattern, cls)
    return application
