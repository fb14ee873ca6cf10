"""Brings an archive to the controller, compares it with its checksum, and unpacks it once."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from .git import public
from .keep import Kept
from .tree import SourceError
from .unpack import top, unpack

BLOCK = 1 << 20
SECONDS = 60  # without a byte
LARGEST = 4 << 30


class WrongSum(SourceError):
    """The archive is not the one that the checksum is of."""


def local(place: Path, checksum: str | None, cache: Path) -> Path:
    """Return the folder of an archive on the controller, `checksum` is sha256:HEX or None. Raises SourceError."""
    try:
        with place.open("rb") as file:
            found = digest(file)
    except OSError as error:
        raise SourceError(f"{place}: cannot be read: {error.strerror}") from error
    _compare(str(place), found, checksum)
    kept = Kept.of(cache, "archive", "local")
    with kept.alone():
        return _unpacked(place, str(place), found, kept)


def fetched(url: str, checksum: str, cache: Path) -> Path:
    """Return the folder of an archive at a URL; it is asked for only if it was not before. Raises SourceError."""
    wanted = checksum.partition(":")[2].lower()
    kept = Kept.of(cache, "archive", "local")
    with kept.alone():
        if not (kept.folder / wanted).is_dir():
            with tempfile.NamedTemporaryFile(dir=kept.folder, prefix=".download-") as file:
                _download(url, file)
                file.seek(0)
                _compare(public(url), digest(file), checksum)
                return _unpacked(Path(file.name), public(url), wanted, kept)
        kept.use(wanted)
        return top(kept.folder / wanted)


def digest(file: IO[bytes]) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    total = hashlib.sha256()
    while block := file.read(BLOCK):
        total.update(block)
    return total.hexdigest()


def _compare(name: str, found: str, checksum: str | None) -> None:
    if checksum and found != checksum.partition(":")[2].lower():
        raise WrongSum(f"{name} has the checksum sha256:{found}, and should have {checksum}. Nothing of it was used")


def _unpacked(archive: Path, name: str, found: str, kept: Kept) -> Path:
    folder = kept.folder / found
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=kept.folder, prefix=".new-") as aside:
            try:
                unpack(archive, Path(aside))
            except SourceError as error:
                raise SourceError(f"{name} {error}") from error
            except OSError as error:
                raise SourceError(f"{name}: cannot be unpacked: {error}") from error
            Path(aside).chmod(0o755)
            Path(aside).rename(folder)
            Path(aside).mkdir()  # the context manager removes what it made
    kept.use(found)
    return top(folder)


def _download(url: str, target: IO[bytes]) -> None:
    """Write what a URL answers. Name and password in it are sent as Basic, to that server alone."""
    parts = urlsplit(url)
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(plain)  # noqa: S310 the plan lets http and https pass
    if parts.username is not None:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(word.encode()).decode())
    total = 0
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 likewise
            while block := answer.read(BLOCK):
                total += len(block)
                if total > LARGEST:
                    raise SourceError(f"{public(url)} is larger than {LARGEST >> 30} GB")
                target.write(block)
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError(f"{public(url)} cannot be fetched: the answer is {error.code} {error.reason}") from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise SourceError(f"{public(url)} cannot be fetched: {getattr(error, 'reason', None) or error}") from error
    with suppress(OSError):
        target.flush()
        os.fsync(target.fileno())
