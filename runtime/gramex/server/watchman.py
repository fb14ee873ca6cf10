"""Closes connections whose client is too slow."""

from __future__ import annotations

import logging
import socket
import struct
import time
from typing import Any

from gramex.server.web import WebServer

gen_log = logging.getLogger("tornado.general")

PROGRESS = 1024  # bytes that must move within a timeout; less is a client that holds the connection on purpose


class Watchman:
    """Looks at all connections now and then, which is cheaper than a timer for each request."""

    def __init__(self, server: WebServer):
        """Watch the connections of a server."""
        self.server, self.limits = server, server.limits
        times = (
            self.limits.header_timeout,
            self.limits.idle_connection_timeout,
            self.limits.body_timeout,
            self.limits.write_timeout,
        )
        self.interval = min(5.0, max(0.05, min(times) / 4))  # seconds between two looks
        # For each stream: what it is waited for, how many bytes had moved by then, and when that was.
        self.marks: dict[Any, tuple[object, int, float]] = {}

    def look(self) -> None:
        """Close what has used up its time."""
        now = time.monotonic()
        old, self.marks = self.marks, {}
        limits, late = self.limits, []
        for connection in self.server.connections:
            stream, exchange = connection.stream, connection.exchange
            if exchange is None:
                continue
            if exchange.idle:
                allowed = limits.idle_connection_timeout if stream.received else limits.header_timeout
                if now - connection.since > allowed:
                    late.append((stream, "no request"))
            elif exchange._request_start_line is None:
                if self._stalled(old, stream, ("header", exchange), 0, now, limits.header_timeout):
                    late.append((stream, "the header takes too long"))
            elif exchange.reading:
                if self._stalled(old, stream, ("body", exchange), stream.received, now, limits.body_timeout):
                    late.append((stream, "the body takes too long"))
            elif stream.writing() and self._stalled(old, stream, "answer", sent(stream), now, limits.write_timeout):
                late.append((stream, "the answer is not taken"))
        self.server.open_tunnels()  # forgets those that are closed
        for stream in self.server.tunnels:
            if stream.writing() and self._stalled(old, stream, "message", sent(stream), now, limits.write_timeout):
                late.append((stream, "messages are not taken"))
        for stream, reason in late:
            gen_log.info("Closing a connection: %s", reason)
            stream.close()

    def _stalled(self, old: dict[Any, Any], stream: Any, phase: object, moved: int, now: float, allowed: float) -> bool:
        """True if less than PROGRESS bytes moved for `allowed` seconds of the same phase."""
        mark = old.get(stream)
        if mark is None or mark[0] != phase or moved - mark[1] >= PROGRESS:
            mark = (phase, moved, now)
        self.marks[stream] = mark
        return now - mark[2] > allowed


def sent(stream: Any) -> int:
    """Return how many bytes the client has taken.

    The kernel's buffer may hold megabytes, and room in it is reported in large steps: without asking it, a slow reader
    looks like one that does not read.
    """
    done: int = stream._total_write_done_index
    try:
        import fcntl
        import termios

        waiting = fcntl.ioctl(stream.socket, termios.TIOCOUTQ, b"\0" * 4)
    except (ImportError, OSError, AttributeError):
        return done
    return done - struct.unpack("i", waiting)[0] if isinstance(stream.socket, socket.socket) else done
