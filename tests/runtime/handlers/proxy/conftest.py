"""A server behind the proxy, which tells what it was asked."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


class Backend(BaseHTTPRequestHandler):
    """Answers JSON about the request; ``/status/N``, ``/to?url=`` and so on answer otherwise."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        parts = urlsplit(self.path)
        arguments = parse_qs(parts.query, keep_blank_values=True)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        status, headers = 200, [("Content-Type", "application/json")]
        names: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            names.setdefault(name.title(), []).append(value)
        told: dict[str, Any] = {"method": self.command, "path": parts.path, "args": arguments, "headers": names}
        content = json.dumps({**told, "body": body.decode("latin-1")}).encode()
        if parts.path.startswith("/status/"):
            status = int(parts.path.rpartition("/")[2])
        elif parts.path.startswith("/to/"):
            status = int(parts.path.rpartition("/")[2])
            headers.append(("Location", arguments["url"][0]))
        elif parts.path == "/loop":
            status = 302
            headers.append(("Location", "/loop"))
        elif parts.path == "/headers":
            headers += [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Own", "mine"), ("X-Hop", "hop")]
            headers += [("Keep-Alive", "timeout=5"), ("Connection", "X-Hop"), ("Server", "Backend/1")]
        elif parts.path == "/gzip":
            content = gzip.compress(b"unpacked")
            headers.append(("Content-Encoding", "gzip"))
        elif parts.path == "/broken":
            content = gzip.compress(b"unpacked" * 1000)[:-20] + b"x" * 20
            headers.append(("Content-Encoding", "gzip"))
        elif parts.path == "/brotli":
            content = b"packed" * 1000
            headers.append(("Content-Encoding", "br"))
        self.send_response_only(status, "Quite so" if status == 299 else None)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The backend; ``seen`` are the URIs that it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Backend)
        self.seen: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture(scope="module")
def backend() -> Iterator[Server]:
    """A running backend."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def other_backend() -> Iterator[Server]:
    """A server that nobody is to be sent to."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
