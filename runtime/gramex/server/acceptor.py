"""Accepts connections from a listening socket."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

from tornado.ioloop import IOLoop

app_log = logging.getLogger("gramex")

PAUSE = 0.5  # seconds without accepting when the process has no file descriptor left
FULL = "there are as many as this system lets one process have. Run several services behind a proxy"
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Acceptor:
    """Hands the connections of one socket to a function, from `start` to `stop`."""

    def __init__(
        self,
        sock: socket.socket,
        serve: Callable[[socket.socket, Any], None],
        full: Callable[[], bool] | None = None,
    ):
        """Take a listening socket. While `full` says so, connections wait."""
        self.sock, self.serve, self.full = sock, serve, full
        self.loop = IOLoop.current()
        self.active = False
        self.timer: object | None = None
        self.complained = False

    def start(self) -> None:
        """Begin to accept."""
        self.timer = None
        if not self.active:
            self.active = True
            self.loop.add_handler(self.sock, self._accept, IOLoop.READ)

    def stop(self) -> None:
        """Accept no more. The socket stays open."""
        if self.timer is not None:
            self.loop.remove_timeout(self.timer)
            self.timer = None
        if self.active:
            self.active = False
            self.loop.remove_handler(self.sock)

    def take_waiting(self) -> None:
        """Accept everything that waits now: for a socket that nobody will serve after us."""
        self.sock.setblocking(False)
        while self._accept_one():
            pass

    def _accept(self, sock: object, events: int) -> None:
        # Whoever shares the socket shares this flag. systemd clears it for a service without NonBlocking=yes,
        # and the accept that finds nobody waiting would then stop the loop.
        self.sock.setblocking(False)
        if self.active and self.full is not None and self.full():
            self._pause(FULL)
        # One at a time: a process that takes all that wait leaves none to those that share the socket.
        if self.active:
            self._accept_one()

    def _accept_one(self) -> bool:
        """Serve one connection. False if none waits."""
        try:
            connection, address = self.sock.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._pause(f"{error.strerror}. Raise the limit of open files (LimitNOFILE)")
                return False
            return error.errno == errno.ECONNABORTED  # the client was faster; others may wait
        connection.setblocking(False)
        self.serve(connection, address)
        return True

    def _pause(self, reason: str) -> None:
        """Let connections wait until others are closed, instead of failing at full speed."""
        if not self.complained:
            app_log.error("Cannot accept connections: %s", reason)
            self.complained = True
        if self.active:
            self.stop()
            self.timer = self.loop.call_later(PAUSE, self.start)
