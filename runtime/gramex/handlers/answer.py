"""An answer that is ready to be sent, and tells the request log about itself."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError

from gramex.handlers.clock import clock
from gramex.handlers.session import SessionMixin
from gramex.handlers.staticfile import StaticFile, signature

if TYPE_CHECKING:
    from gramex.handlers.application import Application

app_log = logging.getLogger("gramex")

CHUNK = 256 * 1024  # bytes of a large file that are read and sent at a time


class Answer(SessionMixin):
    """What the request log sees as handler and as request; its session is only read."""

    status = 200
    error: BaseException | None = None
    block = b""  # status line and headers
    body: bytes | None = b""  # None: `file` is sent in parts
    file: StaticFile | None = None

    def __init__(
        self,
        application: Application,
        connection: Any,
        start_line: Any,
        headers: HTTPHeaders,
        ip: str,
        protocol: str,
        entry: Any,
    ):
        """Take what the request is, and the class of its url entry."""
        self._start_time = time.time()
        self.application, self.connection, self.start_line = application, connection, start_line
        self.headers, self.remote_ip, self.protocol, self.entry = headers, ip, protocol, entry
        self.method, self.uri, self.version = start_line
        self.request: Any = self

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the url entry."""
        return self.entry.name

    @property
    def host(self) -> str:
        """The host that the request is for."""
        return self.headers.get("Host", "")

    @property
    def path(self) -> str:
        """The path of the request."""
        return self.uri.partition("?")[0]

    @property
    def args(self) -> dict[str, list[str]]:
        """The arguments of the query, for the request log."""
        return parse_qs(self.uri.partition("?")[2], keep_blank_values=True)

    def get_cookie(self, name: str, default: str = "") -> str:
        """Return a cookie of the request, for the request log."""
        from tornado.httputil import parse_cookie

        return parse_cookie(self.headers.get("Cookie", "")).get(name, default)

    def get_status(self) -> int:
        """Return the status."""
        return self.status

    def send(self) -> bool:
        """Send it. False if it cannot be sent any more, because its file has changed in this moment."""
        connection = self.connection
        start = self.block + clock.header(self._start_time)
        # The server decided that this is the connection's last answer: the client asked for it, or we are draining.
        start += b"Connection: close\r\n\r\n" if connection._disconnect_on_finish else b"\r\n"
        if self.body is None:
            return self._send_parts(start)
        connection.write(start + self.body)
        connection.finish()
        self.application.log_request(self)
        return True

    def _send_parts(self, start: bytes) -> bool:
        assert self.file is not None  # noqa: S101  for mypy
        try:
            file = open(self.file.path, "rb", buffering=0)  # noqa: SIM115  closed by _stream
        except OSError:
            return False
        if (self.file.path, signature(os.fstat(file.fileno()))) not in self.file.checks:
            file.close()
            return False
        self.task = asyncio.ensure_future(self._stream(file, start, self.file.size))
        return True

    async def _stream(self, file: Any, start: bytes, left: int) -> None:
        """Send the parts of a file; a slow reader holds up nobody, and costs one part of memory."""
        connection = self.connection
        with file:
            try:
                while left > 0:
                    data = file.read(min(CHUNK, left))
                    if not data:
                        # The file is shorter than we said: only a broken connection tells the client.
                        app_log.warning("url:%s: %s became shorter while it was sent", self.name, file.name)
                        connection.close()
                        break
                    left -= len(data)
                    await connection.write(start + data if start else data)
                    start = b""
                else:
                    connection.finish()
            except StreamClosedError:
                pass  # the client has seen enough
        self.application.log_request(self)
