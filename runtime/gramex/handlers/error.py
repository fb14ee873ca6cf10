"""Error pages: small and clean, without paths or code, unless the configuration has its own."""

from __future__ import annotations

import inspect
import ipaddress
import logging
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from tornado.escape import xhtml_escape
from tornado.web import HTTPError

from gramex.handlers.contenttype import ContentTypes
from gramex.handlers.expression import compile_function
from gramex.handlers.headers import check_header, header_value
from gramex.handlers.results import as_bytes

app_log = logging.getLogger("gramex")

PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{code} {reason}</title>"
    "<style>:root{{color-scheme:light dark}}"
    "body{{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:40em;padding:0 1em}}"
    "h1{{font-size:1.5em}}pre{{overflow:auto}}</style><h1>{code} {reason}</h1><p>{text}</p>{more}</html>\n"
)
TEXTS = {
    400: "The request could not be understood.",
    401: "Please log in to see this page.",
    403: "This page is not open to you.",
    404: "There is no such page here.",
    405: "This page does not answer that method.",
    412: "It is not any more what you have seen of it.",
    416: "There is no such part of this file.",
    429: "Too many requests. Please wait a little.",
    500: "Something went wrong on the server. It has been logged.",
    503: "The server cannot answer this just now. Please try again in a little while.",
    501: "This page needs a part of Gramex that this server does not have.",
}
# What tells that a proxy is in between.
PROXIED = frozenset(
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Gramex-Root",
        "X-Real-Ip",
        "X-Request-Uri",
        "X-Scheme",
    ]
)
PLACES = {Path(__file__).parents[2], Path(traceback.__file__).parent, sys.prefix, sys.base_prefix}
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
# Functions that tornado's templates have.
ESCAPES = (True, False, None, "xhtml_escape", "escape", "json_encode", "url_escape", "squeeze", "None")
WHITESPACE = ("all", "single", "oneline")


@lru_cache(maxsize=64)
def error_page(code: int, reason: str, more: str = "") -> bytes:
    """Return the built-in page for a status; `more` is HTML."""
    text = TEXTS.get(code, TEXTS[500] if code >= 500 else TEXTS[400])
    return PAGE.format(code=code, reason=xhtml_escape(reason), text=text, more=more).encode()


class ErrorPage:
    """A page of the configuration for one status."""

    def __init__(self, code: int, spec: Mapping[str, Any], folder: Path, types: ContentTypes):
        """Take an entry of ``error:``.

        Raises:
            ValueError: it has neither path nor function, or one of its keys cannot be.
        """
        self.headers: dict[str, str | None] = {}
        if spec.get("function"):
            if spec.get("path"):
                app_log.warning("error: %d: has both function: and path:, the function is used", code)
            self.write: Callable[..., Any] = compile_function(spec, ("status_code", "kwargs", "handler"))
        elif spec.get("path"):
            self.path = folder / str(spec["path"])
            self.options: dict[str, Any] = {}
            if "autoescape" in spec:
                if spec["autoescape"] not in ESCAPES:
                    names = ", ".join(str(each) for each in ESCAPES if isinstance(each, str))
                    raise ValueError(f"autoescape: must be true, false, or one of {names}, not {spec['autoescape']!r}")
                self.options["autoescape"] = spec["autoescape"]
            if spec.get("whitespace"):
                if spec["whitespace"] not in WHITESPACE:
                    raise ValueError(f"whitespace: must be one of {', '.join(WHITESPACE)}, not {spec['whitespace']!r}")
                self.options["template_whitespace"] = spec["whitespace"]
            self.headers["Content-Type"] = types.of(self.path.name)
            self.write = self._render
        else:
            raise ValueError(f"must have path: or function:, not {dict(spec)!r}")
        headers = spec.get("headers") or {}
        if not isinstance(headers, Mapping):
            raise ValueError(f"headers: must be a mapping, not {headers!r}")
        for name, value in headers.items():
            self.headers[str(name)] = check_header(str(name), header_value(value))

    def _render(self, status_code: int, kwargs: dict[str, Any], handler: Any) -> bytes:
        """Return the page's template rendered."""
        from gramex.handlers.templates import get_template

        chosen = {**handler.application.settings, **self.options}
        template = get_template(self.path.read_bytes(), str(self.path), str(self.path.parent), chosen)
        namespace = handler.get_template_namespace()
        namespace.update(status_code=status_code, kwargs=kwargs, handler=handler)
        return template.generate(**namespace)


def parse_errors(error: Any, folder: Path, types: ContentTypes) -> dict[int, ErrorPage]:
    """Return the pages of ``error:``, a mapping of status to page.

    Raises:
        ValueError: a status that is none, or a page that cannot be.
    """
    if error is None:
        return {}
    if not isinstance(error, Mapping):
        raise ValueError(f"error: must be a mapping such as {{404: {{path: 404.html}}}}, not {error!r}")
    pages = {}
    for key, spec in error.items():
        if not str(key).isdigit() or not 400 <= int(key) <= 599:
            raise ValueError(f"error: {key!r} is no status; use 400 to 599")
        try:
            pages[int(key)] = ErrorPage(int(key), spec if isinstance(spec, Mapping) else {"path": spec}, folder, types)
        except ValueError as problem:
            raise ValueError(f"error: {key}: {problem}") from problem
    return pages


def setup_errors(cls: Any, error: Any) -> None:
    """Take the entry's ``error:``.

    Raises:
        ValueError: it has a mistake.
    """
    cls.error_pages = parse_errors(error, cls.loaded.folder, ContentTypes(cls.loaded.conf.get("mime"))) if error else {}


def shows_traceback(handler: Any) -> bool:
    """True if whoever asked may see the traceback: ``app.settings.serve_traceback``.

    ``local`` shows it to the developer: a browser on this machine that asks for this machine, by TCP and through no
    proxy. A handler whose errors hold data has `shows_traceback` False.
    """
    setting = handler.settings.get("serve_traceback")
    if setting != "local" or not handler.shows_traceback:
        return bool(setting) and setting != "local" and handler.shows_traceback
    request, context = handler.request, handler.request.connection.context
    if context.address_family not in (socket.AF_INET, socket.AF_INET6) or not PROXIED.isdisjoint(request.headers):
        return False
    return request.host_name in LOCAL_NAMES and ipaddress.ip_address(context.remote_ip.partition("%")[0]).is_loopback


def without_places(text: str, application: Any) -> str:
    """Return a traceback in which files are relative to the app, to ours or to Python's: where they are is not told."""
    loaded = getattr(application, "loaded", None)
    folders = [*map(str, loaded.folders if loaded else ()), *sorted(map(str, PLACES), key=len, reverse=True)]
    for folder in folders:
        text = text.replace(folder.rstrip(os.sep) + os.sep, "").replace(folder, "")
    return text


class ErrorMixin:
    """Writes error pages, and logs what deserves it."""

    error_pages: ClassVar[dict[int, ErrorPage]] = {}
    allowed: ClassVar[frozenset[str] | None] = None
    shows_traceback: ClassVar[bool] = True
    # What the request ended with, for the request log.
    error: BaseException | None = None

    def _handle_request_exception(self: Any, error: BaseException) -> None:
        if isinstance(error, OSError):
            from gramex.services.redisserver import Unreachable

            if isinstance(error, Unreachable):  # it will be back: nobody's fault, and no traceback
                try:
                    raise HTTPError(503, "%s", error) from None
                except HTTPError as unavailable:  # tornado logs the exception that is being handled
                    super()._handle_request_exception(unavailable)  # type: ignore[misc]
                return
        super()._handle_request_exception(error)  # type: ignore[misc]

    def send_error(self: Any, status_code: int = 500, **kwargs: Any) -> None:
        """Answer with an error page; an answer that has begun is broken off, so that nobody takes it for complete."""
        if not self._headers_written or self._finished:
            super().send_error(status_code, **kwargs)  # type: ignore[misc]
            return
        self.request.connection.stream.close()
        self.finish()

    def write_error(self: Any, status_code: int, **kwargs: Any) -> None:
        """Called by tornado to answer `status_code`; `exc_info` is in kwargs if an exception led here."""
        if status_code == 405 and self.allowed:
            self.set_header("Allow", ", ".join(sorted(self.allowed)))
        page = self.error_pages.get(status_code)
        if page is not None and self._write_page(page, status_code, kwargs):
            return
        more = ""
        if "exc_info" in kwargs and status_code >= 500 and shows_traceback(self):
            text = "".join(traceback.format_exception(*kwargs["exc_info"]))
            more = f"<pre>{xhtml_escape(without_places(text, self.application))}</pre>"
        self.finish(
            error_page.__wrapped__(status_code, self._reason, more) if more else error_page(status_code, self._reason)
        )

    def _write_page(self: Any, page: ErrorPage, status_code: int, kwargs: dict[str, Any]) -> bool:
        """Write a page of the configuration. False if it failed: the built-in one must do."""
        try:
            result = page.write(status_code, kwargs, self)
            if inspect.isawaitable(result):
                raise TypeError("an error page cannot be a coroutine")
            body = as_bytes(result)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            app_log.error("url:%s: error: %d: %s%s", self.name, status_code, place, error.strerror or error)
            return False
        except Exception:
            app_log.exception("url:%s: the page for error %d failed", self.name, status_code)
            return False
        if self._finished:
            return True
        for name, value in page.headers.items():
            self.set_header(name, value) if value is not None else self.clear_header(name)
        self.finish(body)
        return True

    def log_exception(self: Any, typ: Any, value: Any, tb: Any) -> None:
        """Log an exception that a request ended with: with a traceback if it is our fault, else for debugging only."""
        self.error = value
        if isinstance(value, HTTPError) and value.status_code < 500:
            app_log.debug("url:%s: %s %s: %s", self.name, self.request.method, self.request.uri, value)
        elif isinstance(value, HTTPError) and value.log_message:
            app_log.error("url:%s: %s %s: %s", self.name, self.request.method, self.request.uri, value)
        else:
            app_log.error(
                "url:%s: %s %s failed", self.name, self.request.method, self.request.uri, exc_info=(typ, value, tb)
            )
