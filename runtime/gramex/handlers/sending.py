"""Sends an answer that is complete in one piece: what tornado does, with less work."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from gramex.handlers.clock import clock


def header_bytes(status: int, reason: str, headers: HTTPHeaders) -> bytes:
    """Return status line and headers, without the empty line.

    Raises:
        ValueError: a header has a line break in it, or characters that cannot be sent.
    """
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.get_all()]
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks:
        raise ValueError(f"Illegal characters (CR or LF) in a header: {lines!r}")
    return text.encode("latin-1") + b"\r\n"


class SendingHandler(RequestHandler):
    """Adds a shorter way for answers of known length to HTTP/1.1 requests."""

    def clear(self) -> None:
        """Begin an answer anew: status 200, the headers of every answer, no content."""
        headers = self._headers = HTTPHeaders()
        headers["Server"] = ""  # comes first, as people expect; set_default_headers gives it its value
        headers["Content-Type"] = "text/html; charset=UTF-8"
        headers["Date"] = clock.date()
        self.set_default_headers()
        self._write_buffer = []
        self._status_code = 200
        self._reason = "OK"

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written."""
        if not include_footers or self._headers_written or not self._is_simple():
            return super().flush(include_footers)
        connection: Any = self.request.connection
        chunk = b"".join(self._write_buffer)
        self._write_buffer = []
        self._headers_written = True
        for transform in self._transforms:
            self._status_code, self._headers, chunk = transform.transform_first_chunk(
                self._status_code, self._headers, chunk, True
            )
        if self.request.method == "HEAD":
            chunk = b""
        if hasattr(self, "_new_cookie"):
            for cookie in self._new_cookie.values():
                self.add_header("Set-Cookie", cookie.OutputString(None))
        start = header_bytes(self._status_code, self._reason, self._headers)
        # The server decided that this is the connection's last answer: the client asked for it, or we are draining.
        start += b"Connection: close\r\n\r\n" if connection._disconnect_on_finish else b"\r\n"
        return connection.write(start + chunk)

    def _is_simple(self) -> bool:
        """True if the length of the answer is known, and right."""
        if self.request.version != "HTTP/1.1" or "Connection" in self._headers:
            return False
        if self._status_code in (204, 304):
            return not self._write_buffer
        length = self._headers.get("Content-Length")
        if length is None or self._status_code < 200 or "Transfer-Encoding" in self._headers:
            return False
        return self.request.method == "HEAD" or length == str(sum(map(len, self._write_buffer)))
