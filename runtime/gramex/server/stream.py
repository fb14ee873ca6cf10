"""Streams of accepted connections: tornado's, with fewer steps for the usual case and an answer where one is refused.

They count what arrives, so that a client that stalls can be told from one that is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import socket
from asyncio import Future
from typing import Any

from tornado.iostream import IOStream, SSLIOStream, StreamBufferFullError, UnsatisfiableReadError

app_log = logging.getLogger("gramex")

BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\n\r\n"  # what tornado sends where it cannot read a request
AHEAD = 16384  # bytes of the next request that are read while the present one is answered
LINGER = 2.0  # seconds that a refused client may go on sending before the connection is cut
LINGER_BYTES = 10_000_000  # and how much of it is read and thrown away


class Counted:
    """What both kinds of stream share: `received` counts the bytes that came in."""

    received = 0
    refused = 0  # the status that the client was refused with
    socket: Any

    def set_nodelay(self, value: bool) -> None:
        """Do nothing: `send_at_once` has set it for good, which saves two system calls a request."""

    def refuse(self, status: int) -> None:
        """Answer with a bare status and close."""
        if self.closed():  # type: ignore[attr-defined]
            return
        self.refused = status
        phrase = http.HTTPStatus(status).phrase
        answer = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        with contextlib.suppress(OSError):  # a client that does not read gets none
            self.socket.send(answer.encode())
        self.close()

    def _handle_events(self: Any, fd: Any, events: int) -> None:
        """Called by the event loop.

        Unlike tornado's, it goes on to watch for data while a request is answered: a client that is quick with its next
        request, as a proxy is, would otherwise cost two changes of what is watched for each request.
        """
        if self._closed:
            return
        loop = self.io_loop
        try:
            if events & loop.READ:
                self._handle_read()
            if events & loop.WRITE and not self._closed:
                self._handle_write()
            if self._closed:
                return
            if events & loop.ERROR:
                self.error = self.get_fd_error()
                loop.add_callback(self.close)  # what was read just now is handled first
                return
            state = loop.ERROR
            if self._read_buffer_size < AHEAD or self.reading():
                state |= loop.READ
            if self.writing():
                state |= loop.WRITE
            if state != self._state:
                self._state = state
                loop.update_handler(self.fileno(), state)
        except UnsatisfiableReadError as error:
            self.close(exc_info=error)
        except Exception as error:
            app_log.exception("Closing a connection")
            self.close(exc_info=error)

    def close(self, exc_info: Any = False) -> None:
        """Close the connection. A client whose header is too large is told so first."""
        if isinstance(exc_info, UnsatisfiableReadError) and not self.refused:
            # The limit on a header's size is the only one on a read that looks for a pattern.
            self.refuse(431 if self._read_regex is not None else 400)  # type: ignore[attr-defined]
        else:
            super().close(exc_info)  # type: ignore[misc]

    def close_fd(self) -> None:
        """Close the socket; that of a refused client only after it had a chance to read why."""
        if self.refused and type(self.socket) is socket.socket:
            linger(self.socket)
            self.socket = None
        else:
            super().close_fd()  # type: ignore[misc]


class Stream(Counted, IOStream):
    """A plain connection."""

    def _read_to_buffer(self) -> int | None:
        """Read what is there; 0 if nothing is. Unlike tornado's, it does not fill 64 KiB with zeros first."""
        if self._user_read_buffer:
            return super()._read_to_buffer()
        try:
            data = self.socket.recv(self.read_chunk_size)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.close(exc_info=error)
            if self._is_connreset(error):
                return None
            raise
        if not data:
            self.close()
            return 0
        count = len(data)
        self.received += count
        self._read_buffer += data
        self._read_buffer_size += count
        if self._read_buffer_size > self.max_buffer_size:
            full = StreamBufferFullError("Reached maximum read buffer size")
            self.close(exc_info=full)
            raise full
        return count

    def write(self, data: bytes | memoryview) -> Future[None]:
        """Send data; the future is done when all was given to the system. Usually that is at once, without a buffer.

        Raises:
            StreamClosedError: the connection is closed.
        """
        if data == BAD_REQUEST:
            self.refuse(400)
            return finished()
        if not self._write_buffer and not self._closed and type(data) is bytes and data:
            try:
                count = self.socket.send(data)
            except OSError:
                count = 0  # tornado finds out what it is
            self._total_write_index += count
            self._total_write_done_index += count
            if count == len(data):
                self._maybe_add_error_listener()
                return finished()
            if count:
                return super().write(memoryview(data)[count:])
        return super().write(data)


class TlsStream(Counted, SSLIOStream):
    """A TLS connection; what is counted is decrypted."""

    def write(self, data: bytes | memoryview) -> Future[None]:
        """Send data, as `Stream.write`."""
        if data == BAD_REQUEST:
            self.refuse(400)
            return finished()
        return super().write(data)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read what is there; None if nothing is."""
        count = super().read_from_fd(buf)
        if count:
            self.received += count
        return count


def finished() -> Future[None]:
    """Return a future that is done."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def send_at_once(connection: socket.socket) -> None:
    """Switch off the wait for fuller packets."""
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def linger(sock: socket.socket) -> None:
    """Say that nothing more will be sent, and throw away what still comes for a while.

    A socket that is closed while data wait in it makes the kernel reset the connection, and the client loses the
    answer that it has not read yet.
    """
    loop = asyncio.get_running_loop()
    left = LINGER_BYTES

    def end() -> None:
        timer.cancel()
        loop.remove_reader(sock)
        sock.close()

    def read() -> None:
        nonlocal left
        try:
            count = len(sock.recv(65536))
        except BlockingIOError:
            return
        except OSError:
            count = 0
        left -= count
        if not count or left <= 0:
            end()

    timer = loop.call_later(LINGER, end)
    try:
        sock.shutdown(socket.SHUT_WR)
        loop.add_reader(sock, read)
    except (OSError, NotImplementedError):
        timer.cancel()
        sock.close()
