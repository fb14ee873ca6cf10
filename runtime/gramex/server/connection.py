"""One HTTP connection: request after request, with the limits and the goodbye that tornado leaves to us."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from asyncio import Future
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado.concurrent import future_add_done_callback
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection, parse_int
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError, UnsatisfiableReadError

from gramex.server.header import header_block, read_header

if TYPE_CHECKING:
    from gramex.server.stream import Stream, TlsStream

app_log = logging.getLogger("gramex")

LOCAL = "127.0.0.1"  # how the peer on a UNIX socket is called where an address is wanted
LAST_CHUNK = b"0\r\n\r\n"  # RFC 9112, 7.1
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
        self.is_proxy = not internet  # or once it sent the headers of one

    def __str__(self) -> str:
        return self.remote_ip


class Exchange(HTTP1Connection):
    """One request and its answer."""

    stream: Stream | TlsStream
    _events = False  # the answer is a stream of server-sent events, which has no end of its own

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

    def _can_keep_alive(self, start_line: Any, headers: HTTPHeaders) -> bool:
        # Tornado compares the whole value: `keep-alive, close`, or the two in headers of their own, would go on.
        value = headers.get("Connection")
        if value is not None and "," in value:
            words = {word.strip().lower() for word in value.split(",")}
            if "close" in words or (start_line.version == "HTTP/1.0" and "keep-alive" not in words):
                return False
            return not self.params.no_keep_alive
        return super()._can_keep_alive(start_line, headers)

    def _parse_headers(self, data: bytes) -> tuple[str, HTTPHeaders]:
        return read_header(data) or super()._parse_headers(data)

    def write_headers(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> Future[None]:
        """Send the status line, headers, and the first part of the body.

        Raises:
            ValueError: a header has a line break.
        """
        request, code = self._request_start_line, start_line[1]
        if request is None or not isinstance(code, int) or self.stream is None or self.stream.closed():
            return super().write_headers(start_line, headers, chunk)
        is_head = request.method == "HEAD"
        has_length = "Content-Length" in headers
        bodiless = code in (204, 304) or 100 <= code < 200
        chunked = request.version == "HTTP/1.1" and not (is_head or has_length or bodiless)
        if self._disconnect_on_finish:
            headers["Connection"] = "close"
        elif request.version == "HTTP/1.0":
            headers["Connection"] = "Keep-Alive"
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
            self._events = headers.get("Content-Type", "").startswith("text/event-stream")
        data = header_block(code, start_line[2], headers)
        if data is None:
            return super().write_headers(start_line, headers, chunk)
        self._response_start_line = start_line  # type: ignore[assignment]
        self._chunking_output = chunked
        if is_head or code == 304:
            self._expected_content_remaining = 0
        elif has_length:
            self._expected_content_remaining = parse_int(headers["Content-Length"])
        else:
            self._expected_content_remaining = None
        return self._send(data + self._format_chunk(chunk) if chunk else data)

    def write(self, chunk: bytes) -> Future[None]:
        """Send a part of the body."""
        if self.stream.closed():
            return super().write(chunk)
        return self._send(self._format_chunk(chunk))

    def _send(self, data: bytes) -> Future[None]:
        """Send bytes; the future is done when all were given to the system, or the client is gone."""
        pending = self._pending_write = self.stream.write(data)
        if pending.done() and pending.exception() is None:
            return pending
        future: Future[None] = Future()
        self._write_future = future
        future_add_done_callback(pending, self._on_write_complete)
        return future

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

    def end_events(self) -> None:
        """End an answer that is a stream of events as one that is complete: its client asks for the next stream."""
        if self._events and not self.stream.closed():
            self.stream.write(LAST_CHUNK)
            self.stream.close()


class Connection(HTTP1ServerConnection):
    """A connection with a client, until it is closed or a websocket takes it over."""

    stream: Stream | TlsStream
    context: Context
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
                if turn % TURN == 0:
                    await asyncio.sleep(0)
        finally:
            if stream.refused and self.exchange is not None:
                self._note_refusal(delegate, self.exchange)
            delegate.on_close(self)

    def _note_refusal(self, delegate: Any, exchange: Exchange) -> None:
        """Log a request that was refused before a handler saw it."""
        from gramex.server.refused import Refused

        start_line, headers = exchange._request_start_line, getattr(exchange, "_request_headers", None)
        ip, seconds = self.context.remote_ip, time.monotonic() - self.since
        delegate.note_refusal(Refused(self.stream.refused, start_line, headers, ip, seconds), self.context)
