"""Serves accepted connections with an application that can be swapped while it runs."""

from __future__ import annotations

import logging
import socket
import ssl
from typing import Any

from tornado.http1connection import HTTP1ConnectionParameters
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate

from gramex.server.connection import Connection, Context
from gramex.server.limits import Limits
from gramex.server.stream import Stream, TlsStream, send_at_once

gen_log = logging.getLogger("tornado.general")


class WebServer(HTTPServerConnectionDelegate):
    """All connections of this process.

    `application` answers; replacing it affects the requests that begin from then on. `connections` speak HTTP,
    `tunnels` are streams that websockets took over and that may be closed by now.
    """

    def __init__(self, application: Any, limits: Limits, tls: ssl.SSLContext | None = None):
        """`tls` is used for connections of TCP sockets, None for plain HTTP."""
        self.application = application
        self.limits = limits
        self.tls = tls
        self.connections: set[Connection] = set()
        self.tunnels: set[Stream | TlsStream] = set()
        self.parameters = HTTP1ConnectionParameters(
            max_header_size=limits.max_header_size, max_body_size=limits.max_body_size
        )
        self.draining = False

    def accept(self, sock: socket.socket, address: Any, plain: bool = False) -> None:
        """Serve a connection that was accepted; `plain` is for one of our own, which is never TLS."""
        send_at_once(sock)
        size = self.limits.max_buffer_size
        stream: Stream | TlsStream
        try:
            if self.tls is not None and not plain and sock.family in (socket.AF_INET, socket.AF_INET6):
                wrapped = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                stream = TlsStream(wrapped, max_buffer_size=size)
                context = Context(stream, address, "https")
            else:
                stream = Stream(sock, max_buffer_size=size)
                context = Context(stream, address, "http")
        except OSError as error:  # the client went away already
            gen_log.debug("No connection with %s: %s", address, error)
            sock.close()
            return
        connection = Connection(stream, self.parameters, context)
        self.connections.add(connection)
        connection.start_serving(self)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Called by a connection for each request."""
        return self.application.start_request(server_conn, request_conn)

    def note_refusal(self, refused: Any, context: Context) -> None:
        """Called by a connection for a request that it refused itself."""
        log_request = getattr(self.application, "log_request", None)
        if log_request is not None:  # the admin listener has no log
            trusted = getattr(self.application, "trusted", None)
            if trusted is not None:
                refused.request.remote_ip = trusted.apply(context, refused.request.headers)[0]
            log_request(refused)

    def on_close(self, server_conn: object) -> None:
        """Called by a connection when it ends, or when a websocket takes its stream."""
        connection: Any = server_conn
        self.connections.discard(connection)
        if not connection.stream.closed():
            self.tunnels.add(connection.stream)

    def open_tunnels(self) -> int:
        """Return how many websockets are open."""
        self.tunnels = {stream for stream in self.tunnels if not stream.closed()}
        return len(self.tunnels)

    def say_goodbye(self) -> None:
        """From now on each answer is its connection's last, and says so."""
        self.draining = True
        self.parameters.no_keep_alive = True
        self.application.draining = True
        for connection in self.connections:
            if connection.exchange is not None:
                connection.exchange.say_goodbye()

    def close_idle(self, proxies: bool = True) -> None:
        """Close connections that wait for a request of which nothing has come; `proxies`: those of proxies, too."""
        for connection in list(self.connections):
            kept = connection.context.is_proxy and not proxies
            if not kept and connection.exchange is not None and connection.exchange.idle:
                connection.stream.close()

    def end_events(self) -> None:
        """End streams of server-sent events."""
        for connection in list(self.connections):
            if connection.exchange is not None:
                connection.exchange.end_events()

    def close_all(self) -> None:
        """Close what is left."""
        for stream in [*(connection.stream for connection in self.connections), *self.tunnels]:
            stream.close()
