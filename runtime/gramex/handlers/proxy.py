"""ProxyHandler: answers with what another server answers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, ClassVar

from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.web import HTTPError

from gramex.handlers.base import BaseHandler
from gramex.handlers.current import current_handler
from gramex.handlers.proxyheaders import RequestHeaders, answer_headers
from gramex.handlers.proxyurl import ProxyURL, follow, shown
from gramex.handlers.results import as_bytes

DOWN = 599  # what tornado's client says when there is no answer
TIMEOUT = 20.0  # seconds
MOST_AT_ONCE = 100  # requests to backends; more wait
MOST_REDIRECTS = 5
FUNCTIONS = {"prepare": ("handler", "request"), "modify": ("handler", "request", "response")}


class ProxyClient(SimpleAsyncHTTPClient):
    """The client of all proxies of a process, apart from the one that apps use."""


class ProxyHandler(BaseHandler):
    """Asks the ``url:`` for each request, and passes the answer on."""

    url: ClassVar[ProxyURL]
    request_headers: ClassVar[RequestHeaders]
    functions: ClassVar[dict[str, Callable[..., Any]]] = {}
    timeouts: ClassVar[dict[str, float]] = {}

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``url``, ``default``, ``request_headers``, ``prepare``, ``modify`` and the timeouts.

        Raises:
            ValueError: a key cannot be meant.
        """
        from gramex.handlers.expression import compile_function

        super().setup(**kwargs)
        cls.url = ProxyURL(kwargs.get("url"), kwargs.get("default"))
        cls.request_headers = RequestHeaders(kwargs.get("request_headers"))
        cls.functions = {
            name: compile_function(kwargs[name], variables, key="function" if isinstance(kwargs[name], dict) else name)
            for name, variables in FUNCTIONS.items()
            if kwargs.get(name) is not None
        }
        cls.timeouts = {}
        for name in ("connect_timeout", "request_timeout"):
            seconds = kwargs.get(name, TIMEOUT)
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
                raise ValueError(f"{name}: must be a number of seconds, not {seconds!r}")
            cls.timeouts[name] = float(seconds)

    async def get(self, *path_args: str | None, **path_kwargs: str | None) -> None:
        """Ask the backend, and answer as it does."""
        method = self.request.method or "GET"
        request = HTTPRequest(
            self.url.make(() if path_kwargs else path_args, path_kwargs, self.request.query, self),
            method=method,
            headers=self.request_headers.make(self),
            body=self.request.body
            if method not in ("GET", "HEAD") and (self.request.body or method != "DELETE")
            else None,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            **self.timeouts,  # type: ignore[arg-type]
        )
        await self.call("prepare", self, request)
        if self._finished:
            return
        response = await self.fetch(request)
        changed = await self.call("modify", self, request, response)
        if not self._finished:
            self.pass_on(response, as_bytes(changed) if changed is not None else response.body)

    head = post = put = delete = patch = options = get

    async def call(self, name: str, *values: Any) -> Any:
        """Call one of the app's functions, if there is one, and return its result."""
        function = self.functions.get(name)
        if function is None:
            return None
        current_handler.set(self)
        result = function(*values)
        return await result if inspect.isawaitable(result) else result

    async def fetch(self, request: HTTPRequest) -> HTTPResponse:
        """Return the backend's answer, after redirects on its own site. The request says then what was asked last.

        Raises:
            HTTPError: 599, there is none.
        """
        client = ProxyClient(max_clients=MOST_AT_ONCE)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                response = await client.fetch(request, raise_error=False)
            except Exception as error:
                where = shown(request.url).partition("?")[0]
                text = f"{type(error).__name__}: {error}"
                raise HTTPError(DOWN, "proxy: %s: %s", where, text, reason="Backend Unavailable") from error
            location = response.headers.get("Location") if response.code in (301, 302, 303, 307, 308) else None
            url = follow(request.url, location) if location else None
            if url is None:
                break
            request.url = url
            if response.code == 303 or (response.code in (301, 302) and request.method == "POST"):
                request.method, request.body = "HEAD" if request.method == "HEAD" else "GET", None  # type: ignore[assignment]
                for name in ("Content-Type", "Content-Length"):
                    request.headers.pop(name, None)
        return response

    def pass_on(self, response: HTTPResponse, body: bytes) -> None:
        """Answer with status, headers and body of the backend."""
        self.set_status(response.code, re.sub(r"[^\t\x20-\x7e]", "", response.reason or "") or None)
        self.clear_header("Content-Type")
        seen: set[str] = set()
        for name, value in answer_headers(response.headers):
            if name in seen:
                self.add_header(name, value)
            else:
                self.set_header(name, value)
            seen.add(name)
        self.set_header("X-Proxy-Url", shown(response.request.url))
        self.set_own_headers()
        if self.request.method == "HEAD":
            if "Content-Length" in response.headers and "X-Consumed-Content-Encoding" not in response.headers:
                self.set_header("Content-Length", response.headers["Content-Length"])
        elif body and response.code not in (204, 304):
            self.write(body)
