"""Response headers: those of every answer, and those of a good one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from tornado.httputil import HTTPHeaders

from gramex import __version__

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
SERVER = f"Gramex/{__version__}"


class HeaderMixin:
    """Sets headers before anything else does, on error answers too."""

    # Set on every answer; None removes. Application fills it from handlers.BaseHandler.headers.
    base_headers: ClassVar[Mapping[str, str | None]] = {"Server": SERVER}
    # Set on every answer to this request, by steps.
    cors_headers: Mapping[str, str] = {}
    limit_headers: Mapping[str, str] = {}
    # Set on answers below 400.
    own_headers: ClassVar[Mapping[str, str | None]] = {}

    def set_default_headers(self) -> None:
        """Called for each new answer, and again before an error page. Set-up has checked the values."""
        headers: HTTPHeaders = self._headers  # type: ignore[attr-defined]
        for name, value in self.base_headers.items():
            if value is not None:
                headers[name] = value
            elif name in headers:
                del headers[name]
        if self.cors_headers or self.limit_headers:
            self.set_step_headers()

    def set_step_headers(self) -> None:
        """Set what the steps "cors" and "ratelimit" want on every answer."""
        headers: HTTPHeaders = self._headers  # type: ignore[attr-defined]
        for name, value in {**self.cors_headers, **self.limit_headers}.items():
            headers[name] = value

    def set_own_headers(self) -> None:
        """Set the headers of a good answer. An error page later drops them again."""
        headers: HTTPHeaders = self._headers  # type: ignore[attr-defined]
        for name, value in self.own_headers.items():
            if value is not None:
                headers[name] = value
            elif name in headers:
                del headers[name]


def make_private(headers: HTTPHeaders) -> None:
    """Add ``private`` to Cache-Control, unless it forbids to keep the answer anyway."""
    value = headers.get("Cache-Control", "")
    names = [each.strip() for each in value.split(",") if each.strip()]
    if not {"private", "no-store"} & {name.lower() for name in names}:
        headers["Cache-Control"] = ", ".join(["private", *(name for name in names if name.lower() != "public")])


def header_value(value: Any) -> str | None:
    """Return a header's text; None for values that mean "no header": null and false."""
    return None if value is None or value is False else str(value)


def check_header(name: str, value: str | None) -> str | None:
    """Return the value if it can be a header's.

    Raises:
        ValueError: name or value has characters that HTTP does not allow there.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"headers: {name!r} cannot be the name of a header")
    if value is not None and not VALUE.fullmatch(value):
        raise ValueError(f"headers: {name}: {value!r} has characters that a header cannot have")
    return value


def checked_headers(headers: Any) -> dict[str, str | None]:
    """Return ``headers:`` as name -> text, None for those to be removed; values that are mappings are left out.

    Raises:
        ValueError: it is no mapping, or a header cannot be.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ValueError(f"headers: must be a mapping of name to value, not {headers!r}")
    return {
        str(name): check_header(str(name), header_value(value))
        for name, value in headers.items()
        if not isinstance(value, Mapping)
    }


def setup_headers(cls: Any, headers: Any) -> None:
    """Take the entry's ``headers:``, and those of ``handlers.BaseHandler``, which go on error answers too.

    Raises:
        ValueError: a header cannot be.
    """
    common = ((cls.loaded.conf.get("handlers") or {}).get("BaseHandler") or {}).get("headers")
    cls.base_headers = {"Server": SERVER, **checked_headers(common)}
    cls.own_headers = checked_headers(headers)
