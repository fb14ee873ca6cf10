"""The ``headers:`` of a FileHandler: names and values for all files, globs and mappings for some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramex.handlers.globs import Globs
from gramex.handlers.headers import check_header, header_value


class FileHeaders:
    """Headers by file."""

    def __init__(self, headers: Any):
        """Take the key.

        Raises:
            ValueError: it is no mapping, or a header cannot be.
        """
        if headers is not None and not isinstance(headers, Mapping):
            raise ValueError(f"headers: must be a mapping of name to value, not {headers!r}")
        self.common: dict[str, str] = {}
        self.special: list[tuple[Globs, dict[str, str | None]]] = []
        for key, value in (headers or {}).items():
            if isinstance(value, Mapping):
                values = {str(name): check_header(str(name), header_value(each)) for name, each in value.items()}
                self.special.append((Globs([each.strip() for each in str(key).split(",")]), values))
            else:
                text = check_header(str(key), header_value(value))
                if text is not None:
                    self.common[str(key)] = text

    def of(self, relative: str, below: str = "") -> dict[str, str]:
        """Return the headers for a file in a served folder that is `below` in the app.

        A later glob wins over an earlier one, a glob over the rest.
        """
        if not self.special:
            return self.common
        result: dict[str, str | None] = {name.title(): value for name, value in self.common.items()}
        for globs, headers in self.special:
            if globs.match(relative, below):
                result.update((name.title(), value) for name, value in headers.items())
        return {name: value for name, value in result.items() if value is not None}
