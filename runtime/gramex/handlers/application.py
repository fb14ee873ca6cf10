"""The running application: takes each request from the server to its url entry."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado.httputil import (
    HTTPConnection,
    HTTPMessageDelegate,
)
from tornado.web import Application as TornadoApplication
from tornado.web import OutputTransform, RequestHandler

from gramex.handlers.compression import Compression
from gramex.handlers.exchange import Exchange
from gramex.handlers.fast import FastFiles
from gramex.handlers.patterns import Router
from gramex.handlers.session import SessionCookie
from gramex.handlers.staticfile import FileCache
from gramex.handlers.templates import TemplateFiles
from gramex.handlers.trusted import Trusted
from gramex.services.session.settings import parse_settings

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services


def is_session_far(handler: Any) -> bool:
    """True if who the visitor was is still to be read, which takes time."""
    is_far = getattr(handler, "is_session_far", None)  # tornado's own handlers have none
    return is_far is not None and is_far()


def session_cookie(loaded: Loaded, services: Services) -> SessionCookie:
    """Return what reads and makes the session's cookie.

    Raises:
        ConfigError: the section app.session has a mistake.
    """
    try:
        settings = parse_settings((loaded.conf.get("app") or {}).get("session"), services.data)
    except ValueError as error:
        from gramex.config import ConfigError, Problem
        from gramex.config.tree import find_place

        key, _, message = str(error).partition(": ")
        file, line = find_place(loaded.tree, tuple(key.split("."))) or (None, None)
        raise ConfigError(Problem(logging.ERROR, message, file, line, key)) from None
    return SessionCookie(settings, services.cookie_secret)


class Application(TornadoApplication):
    """All url entries of an app.

    `draining` is set by the server when it stops: from then on every answer carries ``Connection: close``.
    """

    def __init__(self, loaded: Loaded, services: Services, trusted: Trusted, settings: dict[str, Any]):
        compression: list[type[OutputTransform]] = [Compression] if settings.get("compress_response") else []
        super().__init__(transforms=compression, **settings)
        self.loaded = loaded
        self.services = services
        self.trusted = trusted
        self.draining = False
        self.session_cookie = session_cookie(loaded, services)
        self.router: Router[type[RequestHandler]] = Router()
        self.not_found: type[RequestHandler] = RequestHandler
        self.failed: type[RequestHandler] = RequestHandler
        self.entries: dict[str, type[RequestHandler]] = {}
        self.files = FileCache()
        self.templates = TemplateFiles(settings)
        self.fast = FastFiles(self)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called by the server for each request."""
        return Exchange(self, server_conn, request_conn)

    def log_request(self, handler: Any) -> None:
        """Write a finished request to the logs."""
        log = self.services.log
        if self.session_cookie.is_far and log.names_user and is_session_far(handler):
            log.write_after(handler, handler.load_session())
        else:
            log.write(handler)

    def observe(self, note: Callable[[Any], None]) -> None:
        """Also pass each finished request to `note`. Without this, requests cost nothing more."""
        write = self.log_request

        def log_request(handler: Any) -> None:
            write(handler)
            note(handler)

        self.log_request = log_request  # type: ignore[method-assign]
