"""Takes one request to its handler, or answers it at once where it is for a plain file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from gramex.handlers.base import BaseHandler
from gramex.handlers.patterns import Match
from gramex.handlers.request import make_request

if TYPE_CHECKING:
    from gramex.handlers.answer import Answer
    from gramex.handlers.application import Application

app_log = logging.getLogger("gramex")


class Exchange(HTTPMessageDelegate):
    """What the server tells of one request, in order: its headers, its body, its end."""

    def __init__(self, application: Application, server_conn: object, connection: Any):
        """Take the connection, which must have a ``context``."""
        self.application = application
        self.server_conn = server_conn
        self.connection = connection
        self.delegate: Any = None
        self.answer: Answer | None = None
        self.request: HTTPServerRequest | None = None
        self.match: Match | None = None
        self.handler_class: Any = None
        self.chunks: list[bytes] = []

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Find out who answers."""
        application = self.application
        ip, protocol = application.trusted.apply(self.connection.context, headers)
        self.answer = application.fast.choose(self.connection, start_line, headers, ip, protocol)
        if self.answer is not None:
            return None
        return self.route(start_line, headers, ip, protocol)

    def route(self, start_line: Any, headers: HTTPHeaders, ip: str, protocol: str) -> Awaitable[None] | None:
        """Pass the request to the handler of its url entry."""
        request = make_request(self.connection, self.server_conn, start_line, headers)
        request.remote_ip, request.protocol = ip, protocol
        match = self.application.router.find(request.path)
        cls: Any = match.target if match else self.application.not_found
        if getattr(cls, "_stream_request_body", False):
            kwargs: Any = match.kwargs if match else {}
            args: Any = match.args if match else ()
            self.delegate = self.application.get_handler_delegate(request, cls, cls.kwargs, args, kwargs)
            return self.delegate.headers_received(start_line, headers)
        self.request, self.match, self.handler_class = request, match, cls
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take a part of the body."""
        if self.delegate is not None:
            return self.delegate.data_received(chunk)
        self.chunks.append(chunk)
        return None

    def finish(self) -> None:
        """The request is complete: answer it."""
        answer = self.answer
        if answer is not None:
            if answer.send():
                return
            # The file changed in this very moment.
            self.route(answer.start_line, answer.headers, answer.remote_ip, answer.protocol)
        if self.delegate is not None:
            self.delegate.finish()
        elif self.request is not None:
            self.execute(self.request)

    def execute(self, request: HTTPServerRequest) -> None:
        """Let the handler answer."""
        request.body = b"".join(self.chunks)
        self.chunks.clear()
        cls, application = self.handler_class, self.application
        # Handlers that take nothing in initialize() have their kwargs on the class.
        kwargs = {} if cls.initialize is BaseHandler.initialize else cls.kwargs
        try:
            handler = cls(application, request, **kwargs)
        except Exception:
            app_log.exception("url:%s: %s %s: no handler could be made", cls.name, request.method, request.uri)
            handler = application.failed(application, request)
        transforms = [each(request) for each in application.transforms]
        groups: Any = self.match.args if self.match else ()
        named: Any = self.match.kwargs if self.match else {}
        # An exception cannot come out of it: _execute turns each into an answer.
        self.task = asyncio.get_running_loop().create_task(handler._execute(transforms, *groups, **named))

    def on_connection_close(self) -> None:
        """The client went away before the request was complete."""
        if self.delegate is not None:
            self.delegate.on_connection_close()
