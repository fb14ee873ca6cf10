"""Answers on a listener of its own how the process is: ``/livez``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
import socket
from collections.abc import Callable
from http.client import responses
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from gramex.config import Loaded
from gramex.server.acceptor import Acceptor
from gramex.server.errors import StartError, mistake
from gramex.server.limits import Limits
from gramex.server.metrics import Metrics
from gramex.server.sockets import Listener, UnixListener, bind_port
from gramex.server.watchman import Watchman
from gramex.server.web import WebServer

app_log = logging.getLogger("gramex")

ADDRESS = "127.0.0.1"
RETRY = 1.0  # seconds between two tries to have a listener that another process still holds
LIMITS = Limits(16384, 16384, 65536, header_timeout=5, body_timeout=5, write_timeout=5)
TEXT = "text/plain; charset=utf-8"
MISSING = "Metrics need prometheus-client: pip install 'gramex-runtime[metrics]'\n"

READY = "ready"  # of the phases: "starting", READY, "draining"


class Question(HTTPMessageDelegate):
    """One request. Its body is not looked at."""

    def __init__(self, connection: Any, answer: Callable[[Any, RequestStartLine], None]):
        self.connection, self.answer = connection, answer
        self.start_line: Any = None

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        """Take the request line."""
        self.start_line = start_line

    def finish(self) -> None:
        """The request is complete."""
        self.answer(self.connection, self.start_line)


class Admin:
    """The listener ``app.admin``, from `start` to `close`. It is the application of a server of its own."""

    def __init__(self, loaded: Loaded, server: WebServer, phase: Callable[[], str]):
        """Watch `server`; `phase` tells how far its process is.

        Raises:
            ConfigError: neither ``port`` nor ``unix`` is given.
        """
        self.loaded, self.server, self.phase = loaded, server, phase
        self.section = read_section(loaded)
        self.metrics = Metrics()
        self.web = WebServer(self, LIMITS)
        self.listeners: list[Listener] = []
        self.acceptors: list[Acceptor] = []
        self.tasks: set[asyncio.Future[None]] = set()
        server.application.observe(self.metrics.note)

    def start(self) -> None:
        """Accept connections, or as soon as another process lets go of the address: at a hand-over there are two.

        Raises:
            StartError: the address can never be had.
        """
        if not self._open():
            app_log.warning("app.admin: another process listens there. This one does as soon as that ends")
        self._begin(self._work())

    def reloaded(self, took_effect: bool) -> None:
        """Count a reload, and go on with the application that is now in use."""
        self.metrics.reloads[took_effect] += 1
        if took_effect:
            self.server.application.observe(self.metrics.note)

    def withdraw(self) -> None:
        """Let nobody new find the listener."""
        for listener in self.listeners:
            listener.withdraw()

    def close(self) -> None:
        """End, with all connections."""
        for task in self.tasks:
            task.cancel()
        for acceptor in self.acceptors:
            acceptor.stop()
        for listener in self.listeners:
            listener.close()
        self.web.close_all()

    async def _work(self) -> None:
        while not self.listeners:
            await asyncio.sleep(RETRY)
            try:
                self._open()
            except StartError as error:
                app_log.error("%s", error)
                return
        watchman = Watchman(self.web)
        while True:
            await asyncio.sleep(watchman.interval)
            watchman.look()

    def _open(self) -> bool:
        """Try to accept connections. False if another process does so there.

        Raises:
            StartError: there is another reason why not.
        """
        listeners: list[Listener] = []
        try:
            listeners += self._bind()
            for listener in listeners:
                listener.open()
        except StartError as error:
            for listener in listeners:
                listener.close()
            if error.busy:
                return False
            # The same sockets are made for app.listen, whose options the message names.
            raise StartError(f"app.admin: {error}".replace("--listen.", "--admin.")) from None
        self.listeners = listeners
        self.acceptors = [Acceptor(each.sock, self._accept) for each in listeners]
        for acceptor in self.acceptors:
            acceptor.start()
        app_log.info("Listening on %s for /livez, /readyz and /metrics", ", ".join(map(str, listeners)))
        return True

    def _bind(self) -> list[Listener]:
        if not self.section.get("unix"):
            return bind_port(int(self.section["port"]), str(self.section.get("address") or ADDRESS))
        if not hasattr(socket, "AF_UNIX"):
            raise StartError("There are no UNIX sockets on this system. Use --listen.port=<port>")
        return [UnixListener(self.loaded.folder / str(self.section["unix"]))]

    def _accept(self, sock: socket.socket, address: Any) -> None:
        self.web.accept(sock, address, plain=True)

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def start_request(self, server_conn: object, connection: Any) -> HTTPMessageDelegate:
        """Called by the server for each request."""
        return Question(connection, self._answer)

    def _answer(self, connection: Any, line: RequestStartLine) -> None:
        path = line.path.partition("?")[0]
        if path not in ("/livez", "/readyz", "/metrics"):
            send(connection, line, 404, "Use /livez, /readyz or /metrics\n")
        elif line.method not in ("GET", "HEAD"):
            send(connection, line, 405, "Use GET\n")
        elif path == "/metrics":
            self._begin(self._answer_metrics(connection, line))
        elif path == "/livez":
            send(connection, line, 200, "ok\n")
        else:
            phase = self.phase()
            send(connection, line, 200 if phase == READY else 503, f"{phase}\n")

    async def _answer_metrics(self, connection: Any, line: RequestStartLine) -> None:
        if importlib.util.find_spec("prometheus_client") is None:
            send(connection, line, 501, MISSING)
            return
        try:
            # The first time this takes longer than many requests, which need not wait for it.
            exposition = await asyncio.to_thread(importlib.import_module, "gramex.server.exposition")
            body = exposition.render(self.metrics, self._gauges(), os.environ.get("GRAMEX_INSTANCE", ""))
        except Exception:
            app_log.exception("app.admin: /metrics failed")
            send(connection, line, 500, "Failed: see the log\n")
            return
        send(connection, line, 200, body, exposition.CONTENT_TYPE)

    def _gauges(self) -> dict[str, tuple[str, float]]:
        exchanges = [connection.exchange for connection in self.server.connections]
        in_flight = sum(each is not None and each._request_start_line is not None for each in exchanges)
        phase = self.phase()
        return {
            "gramex_requests_in_flight": ("Requests that are being answered", in_flight),
            "gramex_connections": ("Open connections, without websockets", len(exchanges)),
            "gramex_websockets": ("Open websockets", self.server.open_tunnels()),
            "gramex_ready": ("1: takes requests", phase == READY),
            "gramex_draining": ("1: was told to stop, and finishes what began", phase == "draining"),
        }


def read_section(loaded: Loaded) -> dict[str, Any]:
    """Return ``app.admin``, {} for none.

    Raises:
        ConfigError: neither ``port`` nor ``unix`` is given.
    """
    section: dict[str, Any] = (loaded.conf.get("app") or {}).get("admin") or {}
    if section and section.get("port") is None and not section.get("unix"):
        raise mistake(loaded, "needs `port`, such as 9989, or `unix`, the path of a socket", "admin")
    return section


def send(connection: Any, line: RequestStartLine, status: int, body: str | bytes, kind: str = TEXT) -> None:
    """Answer a request. A client that is gone is no error."""
    data = body.encode() if isinstance(body, str) else body
    headers = HTTPHeaders({"Content-Type": kind, "Content-Length": str(len(data)), "Cache-Control": "no-store"})
    if status == 405:
        headers["Allow"] = "GET, HEAD"
    start = ResponseStartLine("HTTP/1.1", status, responses[status])
    connection.write_headers(start, headers, None if line.method == "HEAD" else data)
    connection.finish()
