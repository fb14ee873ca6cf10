"""Gets CPython for Windows: an archive of it, from a path, a URL or the bundle, whose SHA-256 is known."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
DLL = re.compile(r"python3(\d+)\.dll")


class PythonError(Exception):
    """There is no such interpreter; the text is for the operator."""


@dataclass(frozen=True)
class Interpreter:
    """An archive of CPython whose top folder holds python.exe. `version` is major and minor."""

    place: Path
    digest: str
    version: tuple[int, int]

    @property
    def dotted(self) -> str:
        """The version as pip writes it."""
        return ".".join(map(str, self.version))

    @property
    def paths(self) -> str:
        """The name of the file that lists where modules are."""
        return f"python{self.version[0]}{self.version[1]}._pth"


def get(where: str, digest: str, base: Path, cache: Path) -> Interpreter:
    """Return the interpreter at `where`, a URL or a path relative to `base`; URLs are kept in `cache`.

    Raises PythonError where it cannot be had, or is not the one of `digest` (SHA-256, hex).
    """
    if "://" in where:
        place = cache / f"python-{digest[:16]}.zip"
        if not place.is_file():
            _fetch(where, place)
    else:
        place = base / Path(where).expanduser()
        if not place.is_file():
            raise PythonError(f"winservice_python: there is no file {place}")
    found = hashlib.sha256(place.read_bytes()).hexdigest()
    if found != digest:
        if "://" in where:
            place.unlink()
        raise PythonError(
            f"winservice_python: {where} has the SHA-256 {found}, not {digest} of winservice_python_sha256"
        )
    return Interpreter(place, found, _version(place, where))


def _fetch(url: str, place: Path) -> None:
    if not url.startswith("https://"):
        raise PythonError(f"winservice_python: {url} is neither a path nor begins with https://")
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f".{place.name}.new")
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer, aside.open("wb") as file:  # noqa: S310 https alone
            shutil.copyfileobj(answer, file)
    except (OSError, urllib.error.URLError) as error:
        raise PythonError(
            f"winservice_python: {url} cannot be fetched: {error}. Fetch it elsewhere and name the file, "
            "or use a bundle: make bundle SUITE=windows, then -e winservice_bundle=FILE"
        ) from error
    aside.rename(place)


def _version(place: Path, where: str) -> tuple[int, int]:
    try:
        with zipfile.ZipFile(place) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise PythonError(f"winservice_python: {where} is no ZIP archive") from error
    minors = [int(found[1]) for name in names if (found := DLL.fullmatch(name))]
    if "python.exe" not in names or not minors:
        raise PythonError(
            f"winservice_python: {where} has no python.exe at its top: take an embeddable package for x64"
        )
    version = (3, max(minors))
    if version < (3, 10):
        raise PythonError(f"winservice_python: {where} is Python 3.{version[1]}; the runtime needs 3.10 or newer")
    return version
