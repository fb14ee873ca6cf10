"""Content types by file name: the same on every machine, because no file of the machine is read."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

UNKNOWN = "application/octet-stream"
PAGE = "text/html; charset=UTF-8"
COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz", "compress": UNKNOWN}
# Types that gzip shrinks, beside text/*.
COMPRESSIBLE = frozenset(
    [
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/manifest+json",
        "application/rss+xml",
        "application/atom+xml",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/xhtml+xml",
        "application/xml",
        "application/x-javascript",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/svg+xml",
        "image/vnd.microsoft.icon",
        "image/x-icon",
    ]
)


def is_compressible(content_type: str) -> bool:
    """True if answers of that type are worth compressing."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in COMPRESSIBLE


class ContentTypes:
    """Python's own table with the additions of the ``mime:`` section."""

    def __init__(self, mime: Any = None):
        """Take ``mime:``, a mapping of extension to type. What is not text is left out."""
        self.types = mimetypes.MimeTypes()
        self.known: dict[str, str] = {}
        for extension, kind in (mime if isinstance(mime, Mapping) else {}).items():
            if isinstance(kind, str):
                dot = "" if str(extension).startswith(".") else "."
                self.types.add_type(kind, f"{dot}{extension}".lower())

    def of(self, name: str) -> str:
        """Return the content type for a file name; the character set is added to text."""
        extensions = name[name.find(".") :].lower()  # ".tar.gz": what comes before does not count
        kind = self.known.get(extensions)
        if kind is None:
            kind = self._guess(name)
            if len(extensions) < 20 and len(self.known) < 1000:
                self.known[extensions] = kind
        return kind

    def of_page(self, name: str) -> str:
        """Return the content type for what is made from a file: a page, where the name does not tell."""
        kind = self.of(name)
        return PAGE if kind == UNKNOWN else kind

    def _guess(self, name: str) -> str:
        # guess_type takes URLs: a name such as "data:x" is none
        kind, encoding = self.types.guess_type("./" + name)
        if encoding:
            return COMPRESSED.get(encoding, UNKNOWN)
        if kind is None:
            return UNKNOWN
        return f"{kind}; charset=UTF-8" if kind.startswith("text/") else kind
