"""Which headers a proxy passes on, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from gramex import __version__
from gramex.handlers.headers import VALUE, check_header

# Of one connection, not of the message: RFC 9110, 7.6.1.
HOP = frozenset(
    ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"]
).union(["transfer-encoding", "upgrade"])
# Made anew for the backend, or for us alone.
OWN_REQUEST = HOP | {"host", "content-length", "accept-encoding", "expect", "x-gramex-user"}
# Made anew for the client; gzip was unpacked, other encodings go along as they are.
OWN_ANSWER = HOP | {"content-length", "x-consumed-content-encoding", "server", "date"}
USER_AGENT = f"Gramex/{__version__}"


class RequestHeaders:
    """The key ``request_headers:``."""

    def __init__(self, spec: Any):
        """Take a mapping of name to true (copy) or text (formatted with `handler`); ``'*': true`` copies all.

        Raises:
            ValueError: it cannot be meant.
        """
        if spec is not None and not isinstance(spec, Mapping):
            raise ValueError(f"request_headers: must be a mapping of name to true or text, not {spec!r}")
        self.all = False
        self.texts: dict[str, str | bool] = {}
        for name, value in (spec or {}).items():
            if name == "*":
                self.all = value is True
                continue
            if str(name).lower() in HOP | {"content-length"}:
                raise ValueError(f"request_headers: {name} belongs to the connection, and is never passed on")
            check_header(str(name), None)
            if isinstance(value, str):
                try:
                    list(Formatter().parse(value))
                except ValueError as error:
                    raise ValueError(f"request_headers: {name}: {value!r}: {error}") from None
            self.texts[str(name)] = value if isinstance(value, bool) else "" if value is None else str(value)

    def make(self, handler: Any) -> HTTPHeaders:
        """Return the headers for the backend.

        Raises:
            HTTPError: 400, what the request brings into a header cannot stand in one.
        """
        given: HTTPHeaders = handler.request.headers
        headers = HTTPHeaders({"User-Agent": USER_AGENT})
        if handler.request.body and "Content-Type" in given:
            headers["Content-Type"] = given["Content-Type"]  # without it nobody knows what the body is
        if self.all:
            left_out = OWN_REQUEST | set(connection_names(given))
            for name in given:
                if name.lower() not in left_out:
                    headers[name] = given[name]
            self._drop_own_cookies(handler, headers)
        for name, value in self.texts.items():
            text = value
            if value is True:
                text = given.get(name, False)
            elif isinstance(value, str):
                text = format_text(name, value, handler)
            if text is False:
                headers.pop(name, None)
            else:
                headers[name] = str(text)
        return headers

    def _drop_own_cookies(self, handler: Any, headers: HTTPHeaders) -> None:
        """A session is between us and the browser: who has its cookie is the user."""
        if "Cookie" not in headers:
            return
        own = {handler.application.session_cookie.settings.cookie, "_xsrf"}
        parts = [part.strip() for part in headers["Cookie"].split(";")]
        left = "; ".join(part for part in parts if part and part.partition("=")[0].strip() not in own)
        if left:
            headers["Cookie"] = left
        else:
            del headers["Cookie"]


def format_text(name: str, text: str, handler: Any) -> str:
    """Return a configured text with what it takes from the handler.

    Raises:
        HTTPError: 400, that cannot stand in a header; 500, the handler has nothing like it.
    """
    try:
        formatted = text.format(handler=handler)
    except Exception as error:
        raise HTTPError(500, "proxy: request_headers: %s: %r: %s", name, text, error) from error
    if not VALUE.fullmatch(formatted):
        raise HTTPError(400, "proxy: request_headers: %s: %r cannot stand in a header", name, formatted)
    return formatted


def connection_names(headers: HTTPHeaders) -> list[str]:
    """Return the names of headers that ``Connection`` says are for this connection only."""
    return [name.strip().lower() for name in headers.get("Connection", "").split(",") if name.strip()]


def answer_headers(headers: HTTPHeaders) -> Iterator[tuple[str, str]]:
    """Return the headers of the backend's answer that are passed on."""
    left_out = OWN_ANSWER | set(connection_names(headers))
    return ((name, value) for name, value in headers.get_all() if name.lower() not in left_out)
