"""One HTTP connection: request after request, with the limits and the goodbye that tornado leaves to us."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.iostream import StreamClosedError, UnsatisfiableReadError

if TYPE_CHECKING:
    from gramex.server.stream import Stream, TlsStream

app_log = logging.getLogger("gramex")

LOCAL = "127.0.0.1"  # how the peer on a UNIX socket is called where an address is wanted
TURN = 16  # requests of one connection that are answered before others get a turn


class Context:
    """What is known about the peer of a connection. Handlers find it as ``request.connection.context``."""

    def __init__(self, stream: Stream | TlsStream, address: Any, protocol: str):
        """Take what accept() returned, and ``http`` or ``https``."""
        self.address = address
        self.address_family = stream.socket.family
        self.protocol = protocol
        internet = self.address_family in (socket.AF_INET, socket.AF_INET6)
        self.remote_ip = str(address[0]) if internet and address else LOCAL

    def __str__(self) -> str:
        return self.remote_ip


class Exchange(HTTP1Connection):
    """One request and its answer."""

    stream: Stream | TlsStream

    def _read_body(self, code: int, headers: HTTPHeaders, delegate: HTTPMessageDelegate) -> Awaitable[None] | None:
        length = headers.get("Content-Length", "")
        if length.isdecimal() and length.isascii() and int(length[:20]) > self._max_body_size:
            self.stream.refuse(413)
            raise StreamClosedError
        return super()._read_body(code, headers, delegate)

    async def _read_chunked_body(self, delegate: HTTPMessageDelegate) -> None:
        try:
            await super()._read_chunked_body(delegate)
        except HTTPInputError as error:
            if "too large" not in str(error):
                raise
            self.stream.refuse(413)
            raise StreamClosedError from None

    @property
    def idle(self) -> bool:
        """True as long as nothing of the request has arrived."""
        return self._request_start_line is None and not self.stream._read_buffer_size

    @property
    def reading(self) -> bool:
        """True as long as the request is not complete."""
        return not self._read_finished

    def say_goodbye(self) -> None:
        """Make this answer the connection's last, if the client can still be told so."""
        if self._request_start_line is not None and self._pending_write is None:
            self._disconnect_on_finish = True


class Connection(HTTP1ServerConnection):
    """A connection with a client, until it is closed or a websocket takes it over."""

    stream: Stream | TlsStream
    exchange: Exchange | None = None
    since = 0.0  # when the present exchange began, on the monotonic clock

    async def _server_request_loop(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Answer requests. Tornado's loop does the same, but waits one turn of the event loop after each."""
        stream, turn = self.stream, 0
        try:
            while True:
                self.exchange = exchange = Exchange(stream, False, self.params, self.context)
                self.since = time.monotonic()
                try:
                    if not await exchange._read_message(delegate.start_request(self, exchange)):
                        return
                except (StreamClosedError, UnsatisfiableReadError, asyncio.CancelledError):
                    return
                except Exception:
                    app_log.exception("A connection with %s broke", self.context)
                    exchange.close()
                    return
                turn += 1
                if stream._read_buffer_size or turn % TURN == 0:
                    await asyncio.sleep(0)
        finally:
            delegate.on_close(self)
