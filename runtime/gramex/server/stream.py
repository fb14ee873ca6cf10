"""Streams of accepted connections: they count what arrives, and refuse what cannot be read with an answer."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from typing import Any

from tornado.iostream import IOStream, SSLIOStream, UnsatisfiableReadError

LINGER = 2.0  # seconds that a refused client may go on sending before the connection is cut
LINGER_BYTES = 10_000_000  # and how much of it is read and thrown away


class Counted:
    """What both kinds of stream share: `received` counts the bytes that came in."""

    received = 0
    refused = False
    socket: Any

    def set_nodelay(self, value: bool) -> None:
        """Do nothing: `send_at_once` has set it for good, which saves two system calls a request."""

    def refuse(self, status: int) -> None:
        """Answer with a bare status and close."""
        if self.closed():  # type: ignore[attr-defined]
            return
        self.refused = True
        phrase = http.HTTPStatus(status).phrase
        answer = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        with contextlib.suppress(OSError):  # a client that does not read gets none
            self.socket.send(answer.encode())
        self.close()

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

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read what is there; None if nothing is."""
        try:
            count = self.socket.recv_into(buf)
        except BlockingIOError:
            return None
        finally:
            del buf  # tornado: a view that lives on would keep the buffer from being resized
        self.received += count
        return count


class TlsStream(Counted, SSLIOStream):
    """A TLS connection; what is counted is decrypted."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read what is there; None if nothing is."""
        count = super().read_from_fd(buf)
        if count:
            self.received += count
        return count


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
