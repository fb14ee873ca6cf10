"""The running application: takes each request from the server to its url entry."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application as TornadoApplication
from tornado.web import OutputTransform, RequestHandler

from gramex.handlers.compression import Compression
from gramex.handlers.patterns import Router
from gramex.handlers.session import SessionCookie
from gramex.handlers.trusted import Trusted
from gramex.services.session.settings import parse_settings

if TYPE_CHECKING:
    from gramex.config import Loaded
    from gramex.services import Services


def session_cookie(loaded: Loaded, services: Services) -> SessionCookie:
    """Return what reads and makes the session's cookie.

    Raises:
        ConfigError: the section app.session has a mistake.
    """
    try:
        settings = parse_settings((loaded.conf.get("app") or {}).get("session"), services.data)
    except ValueError as error:
        from gramex.config import ConfigError, Problem

        raise ConfigError(Problem(logging.ERROR, str(error), loaded.files[0] if loaded.files else None)) from None
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
        self.entries: dict[str, type[RequestHandler]] = {}

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called by the server for each request."""
        return Request(self, server_conn, request_conn)

    def log_request(self, handler: Any) -> None:
        """Write a finished request to the logs."""
        self.services.log.write(handler)


class Request(HTTPMessageDelegate):
    """One request on its way to its handler."""

    def __init__(self, application: Application, server_conn: object, connection: HTTPConnection):
        self.application = application
        self.server_conn = server_conn
        self.connection: Any = connection
        self.delegate: Any = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Find the handler."""
        application = self.application
        context = self.connection.context
        ip, protocol = application.trusted.apply(context, headers)
        request = HTTPServerRequest(
            connection=self.connection,
            server_connection=self.server_conn,
            start_line=start_line,  # type: ignore[arg-type]  # a server only sees requests
            headers=headers,
        )
        request.remote_ip, request.protocol = ip, protocol
        match = application.router.find(request.path)
        if match is None:
            self.delegate = application.get_handler_delegate(request, application.not_found)
        else:
            self.delegate = application.get_handler_delegate(
                request,
                match.target,
                getattr(match.target, "kwargs", None),
                match.args,  # type: ignore[arg-type]  # tornado wants a list, and only iterates
                match.kwargs,  # type: ignore[arg-type]
            )
        return self.delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a part of the body on."""
        return self.delegate.data_received(chunk)

    def finish(self) -> None:
        """The request is complete."""
        self.delegate.finish()

    def on_connection_close(self) -> None:
        """The client went away."""
        if self.delegate is not None:
            self.delegate.on_connection_close()
