"""A request as handlers see it: tornado's, made with less work where it is of the usual kind."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Any

from tornado.escape import parse_qs_bytes
from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPServerRequest

from gramex.handlers.lazy import lazy

HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")
MOST_ARGUMENTS = 1000  # of a query
ABSOLUTE = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE)


@lru_cache(maxsize=1000)
def is_usual_host(host: str) -> bool:
    """True for the usual kind of host; the others are for tornado to judge."""
    return bool(host) and HOST.issuperset(host)


class Request(HTTPServerRequest):
    """A request whose host is of the usual kind."""

    def __init__(self, connection: Any, server_connection: Any, start_line: Any, headers: HTTPHeaders):  # no super()
        """Take what tornado takes.

        Raises:
            HTTPInputError: the query has too many arguments; the answer is 400.
        """
        self.method, self.uri, self.version = start_line
        self.headers, self.body = headers, b""
        self.connection, self.server_connection = connection, server_connection
        self.host: str = headers["Host"]
        self.files = {}
        self._start_time = time.time()
        self._finish_time = None
        self.path, _, self.query = start_line[1].partition("?")
        self.arguments: dict[str, list[bytes]] = {}
        self.query_arguments: dict[str, list[bytes]] = {}
        self.body_arguments: dict[str, list[bytes]] = {}
        if self.query:
            try:
                self.arguments = parse_qs_bytes(self.query, keep_blank_values=True, max_num_fields=MOST_ARGUMENTS)
            except ValueError as error:
                raise HTTPInputError(f"Invalid query string: {error}") from error
            self.query_arguments = {name: values[:] for name, values in self.arguments.items()}

    @lazy
    def host_name(self) -> str:
        """The host without its port."""
        from tornado.httputil import split_host_and_port

        return split_host_and_port(self.host.lower())[0]


def make_request(connection: Any, server_connection: Any, start_line: Any, headers: HTTPHeaders) -> HTTPServerRequest:
    """Return the request for what came over a connection.

    Raises:
        HTTPInputError: it cannot be one; the answer is 400.
    """
    if start_line.path[:1] != "/" and (absolute := ABSOLUTE.match(start_line.path)):
        # RFC 9112, 3.2.2: as proxies are asked, and its authority counts.
        headers["Host"] = absolute[1]
        start_line = start_line._replace(path=absolute[2] if absolute[2][:1] == "/" else f"/{absolute[2]}")
    if is_usual_host(headers.get("Host", "")):
        return Request(connection, server_connection, start_line, headers)
    return HTTPServerRequest(
        connection=connection, server_connection=server_connection, start_line=start_line, headers=headers
    )
