"""Prepared answers for files: headers, small bodies and their compressed forms, kept while the file is the same."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from tornado.httputil import HTTPHeaders, responses

from gramex.handlers.compression import SMALLEST, add_vary, compress, weaken
from gramex.handlers.contenttype import is_compressible

SMALL = 64 * 1024  # bytes of a body that is kept in memory
PACKED = 1024 * 1024  # bytes of a body whose compressed form is kept, if that is smaller than SMALL * 4
HASHED = 8 * 1024 * 1024  # bytes of a file whose ETag is its SHA-1; beyond, it is made from size and time
LIMIT = 12 * 1024 * 1024  # bytes that all prepared answers together may take
SETTLED = 50_000_000  # nanoseconds: a file changed more recently may change again without getting a new time

Signature = tuple[int, int, int, int, int]


def signature(info: os.stat_result) -> Signature:
    """Return what differs between two states of a file, or two files."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def is_settled(info: os.stat_result) -> bool:
    """False if the file changed so recently that its signature cannot be relied upon."""
    return time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > SETTLED


def make_etag(info: os.stat_result, body: bytes | None) -> str:
    """Return the strong ETag of a file: of its bytes where they are there, else of its size and time."""
    if body is not None:
        return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
    return f'"{info.st_size:x}-{info.st_mtime_ns:x}"'


class StaticFile:
    """A file, read once: what every answer with it needs."""

    entry: Any = None  # the class of the url entry that it is prepared for

    def __init__(self, path: str, info: os.stat_result, headers: Mapping[str, str], common: Mapping[str, str | None]):
        """Read a file. `headers` are those of this file, with its Content-Type, `common` those of every answer.

        Raises:
            OSError: it cannot be read.
            FileChangedError: it is not the file any more that `info` is about.
        """
        with open(path, "rb", buffering=0) as file:
            if signature(os.fstat(file.fileno())) != signature(info):
                raise FileChangedError(path)
            body = read_all(file, info.st_size) if info.st_size <= HASHED else None
        if body is not None and len(body) != info.st_size:
            raise FileChangedError(path)
        self.path, self.size, self.modified = path, info.st_size, info.st_mtime
        self.checks: list[tuple[str, Signature]] = [(path, signature(info))] if is_settled(info) else []
        self.etag = make_etag(info, body)
        self.common = common
        self.headers = {
            "Last-Modified": formatdate(int(info.st_mtime), usegmt=True),
            "Accept-Ranges": "bytes",
            **headers,
            "Etag": self.etag,
        }
        self.whole = body if body is not None and info.st_size <= SMALL else None
        self.gzip: bytes | None = None
        compressible = info.st_size >= SMALLEST and is_compressible(self.headers.get("Content-Type", ""))
        self.huge = compressible and info.st_size > PACKED  # is compressed on its way out
        if compressible and body and not self.huge:
            packed = compress(body)
            if len(packed) < min(len(body), SMALL * 4):
                self.gzip = packed
        self.blocks: dict[tuple[int, bool], bytes] = {}

    def is_current(self) -> bool:
        """True if the file, and every folder that was asked on the way to it, is as it was."""
        try:
            for path, known in self.checks:
                info = os.stat(path)
                if (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns) != known:
                    return False
        except OSError:
            return False
        return True

    def depend_on(self, path: str, info: os.stat_result) -> None:
        """Make the answer depend on a folder, too: a better default file may appear in it."""
        if self.checks and is_settled(info):
            self.checks.append((path, signature(info)))
        else:
            self.checks = []

    def block(self, status: int, packed: bool, vary: bool) -> bytes:
        """Return the status line and headers of an answer, all but Date and the empty line.

        `packed` is for the compressed form. `vary` says whether answers of the application depend on Accept-Encoding;
        it must be the same each time.
        """
        found = self.blocks.get((status, packed))
        if found is None:
            headers = HTTPHeaders(self.headers)
            headers["Content-Length"] = str(self.size)
            if packed and self.gzip is not None:
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(self.gzip))
                weaken(headers)
            if status == 304:
                for name in ("Content-Type", "Content-Length", "Content-Encoding", "Accept-Ranges"):
                    headers.pop(name, None)
            if vary:
                add_vary(headers, "Accept-Encoding")
            found = self.blocks[status, packed] = header_block(status, self.common, headers)
        return found

    @property
    def cost(self) -> int:
        """Bytes of memory, about."""
        return 3000 + len(self.whole or b"") + len(self.gzip or b"")


def header_block(status: int, common: Mapping[str, str | None], headers: Mapping[str, str]) -> bytes:
    """Return status line and headers as they are sent; `headers` win over `common`."""
    merged = HTTPHeaders({name: value for name, value in common.items() if value is not None})
    merged.update(headers)
    lines = [f"HTTP/1.1 {status} {responses[status]}", *(f"{name}: {value}" for name, value in merged.get_all())]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


class FileChangedError(Exception):
    """A file changed between looking at it and reading it."""


def read_all(file: Any, size: int) -> bytes:
    """Read exactly `size` bytes, fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class FileCache:
    """Prepared files by key, at most LIMIT bytes; the oldest go first."""

    def __init__(self, limit: int = LIMIT):
        self.limit, self.size = limit, 0
        self.items: dict[Any, StaticFile] = {}
        self.lock = threading.Lock()

    def get(self, key: Any) -> StaticFile | None:
        """Return the prepared file for a key if it is still the same file."""
        found = self.items.get(key)
        if found is not None and not found.is_current():
            self.drop(key)
            return None
        return found

    def put(self, key: Any, value: StaticFile) -> None:
        """Keep a prepared file, unless nothing tells when it changes."""
        if not value.checks or value.cost > self.limit:
            return
        with self.lock:
            self._drop(key)
            self.items[key] = value
            self.size += value.cost
            while self.size > self.limit:
                self._drop(next(iter(self.items)))

    def drop(self, key: Any) -> None:
        """Forget a key."""
        with self.lock:
            self._drop(key)

    def _drop(self, key: Any) -> None:
        old = self.items.pop(key, None)
        if old is not None:
            self.size -= old.cost
