"""Reads an app's folder: what of it travels, the digest of that, and the archive that carries it."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

# Version control, caches and the developer's secrets stay at home. A folder with pyvenv.cfg is a virtual environment.
STAYS = {".git", ".hg", ".svn", ".bzr", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", ".nox"}
STAYS |= {".secrets.yaml"}
BLOCK = 1 << 20


class SourceError(Exception):
    """The folder cannot be read or holds what cannot travel; the text is for the user."""


@dataclass(frozen=True)
class Entry:
    """One folder, file or link. `name` is its path below the app's folder, with `/` between the parts."""

    name: str
    kind: str  # folder, file, link
    executable: bool = False
    target: str = ""  # where a link points
    place: Path | None = None  # where a file's bytes are
    content: bytes = b""  # a file's bytes where there is no place


def read(folder: Path) -> list[Entry]:
    """List what travels of a folder, sorted by name.

    Links are listed as links, never followed. Sockets, pipes and devices are not listed: no app is made of them.
    Raises SourceError where something cannot be read.
    """
    return sorted(_walk(folder, ""), key=_order)


def mounted(entries: Iterable[Entry], below: str) -> list[Entry]:
    """Move entries into the folder `below`, which is listed too."""
    return [Entry(below, "folder"), *(replace(entry, name=f"{below}/{entry.name}") for entry in entries)]


def digest(entries: Iterable[Entry]) -> str:
    """Return the SHA-256 (hex) of names, kinds, executable bits, link targets and bytes, whatever the order given."""
    total = hashlib.sha256()
    for entry in sorted(entries, key=_order):
        total.update(_header(entry))
        if entry.kind == "file":
            total.update(_digest_of_bytes(entry))
    return total.hexdigest()


def archive(entries: Iterable[Entry], target: IO[bytes]) -> str:
    """Write a tar.gz that depends on nothing but the entries, and return the digest of what went into it.

    The digest is taken from the very bytes written: where it differs from an earlier one, the source changed meanwhile.
    """
    total = hashlib.sha256()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in sorted(entries, key=_order):
            total.update(_header(entry))
            if entry.kind != "file":
                tar.addfile(_member(entry))
                continue
            with _open(entry) as source:
                size = source.seek(0, io.SEEK_END)
                source.seek(0)
                counted = _Counted(source)
                try:
                    tar.addfile(_member(entry, size), counted)
                except OSError as error:
                    raise SourceError(f"{entry.place}: changed or unreadable while it was packed: {error}") from error
            total.update(counted.total.digest())
    return total.hexdigest()


def _walk(folder: Path, below: str) -> Iterator[Entry]:
    try:
        inside = list(os.scandir(folder))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be read: {error.strerror}") from error
    for item in inside:
        if item.name in STAYS or item.name.endswith(".pyc"):
            continue
        name, place = below + item.name, Path(item.path)
        mode = item.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            yield Entry(name, "link", target=str(place.readlink()))
        elif stat.S_ISDIR(mode):
            if not (place / "pyvenv.cfg").exists():
                yield Entry(name, "folder")
                yield from _walk(place, f"{name}/")
        elif stat.S_ISREG(mode):
            yield Entry(name, "file", executable=bool(mode & stat.S_IXUSR), place=place)


def _order(entry: Entry) -> bytes:
    return os.fsencode(entry.name)


def _header(entry: Entry) -> bytes:
    """The part of an entry that is not its bytes; each field ends with NUL, which no name contains."""
    fields = (entry.name, entry.kind, "x" if entry.executable else "-", entry.target)
    return b"".join(os.fsencode(field) + b"\0" for field in fields)


def _open(entry: Entry) -> IO[bytes]:
    if entry.place is None:
        return io.BytesIO(entry.content)
    try:
        # A file when it was listed; somebody may have put a link to another one there since.
        return os.fdopen(os.open(entry.place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")
    except OSError as error:
        raise SourceError(f"{entry.place}: cannot be read: {error.strerror}") from error


def _digest_of_bytes(entry: Entry) -> bytes:
    total = hashlib.sha256()
    with _open(entry) as source:
        while block := source.read(BLOCK):
            total.update(block)
    return total.digest()


def _member(entry: Entry, size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.name)
    member.size = size
    member.mode = 0o755 if entry.executable or entry.kind == "folder" else 0o644
    member.type = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}.get(entry.kind, tarfile.REGTYPE)
    member.linkname = entry.target
    return member


class _Counted:
    """A file that digests what is read from it."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.total = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self.source.read(size)
        self.total.update(block)
        return block
