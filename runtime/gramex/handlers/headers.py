"""Response headers: those of every answer, and those of a good one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gramex import __version__

SERVER = f"Gramex/{__version__}"


class HeaderMixin:
    """Sets headers before anything else does, on error answers too."""

    # Set on every answer; None removes. Application fills it from handlers.BaseHandler.headers.
    base_headers: ClassVar[Mapping[str, str | None]] = {"Server": SERVER}
    # Set on answers below 400.
    own_headers: ClassVar[Mapping[str, str | None]] = {}

    def set_default_headers(self) -> None:
        """Called by tornado for each new answer, and again before an error page."""
        for name, value in self.base_headers.items():
            if value is None:
                self.clear_header(name)  # type: ignore[attr-defined]
            else:
                self.set_header(name, value)  # type: ignore[attr-defined]


def header_value(value: Any) -> str | None:
    """Return a header's text; None for values that mean "no header": null and false."""
    return None if value is None or value is False else str(value)


def setup_headers(cls: Any, headers: Any) -> None:
    """Take the entry's ``headers:``; values that are mappings are for the handler (FileHandler has patterns)."""
    if headers is None:
        headers = {}
    if not isinstance(headers, Mapping):
        raise ValueError(f"headers: must be a mapping of name to value, not {headers!r}")
    cls.own_headers = {
        str(name): header_value(value) for name, value in headers.items() if not isinstance(value, Mapping)
    }
