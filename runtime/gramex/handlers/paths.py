"""Finds the file below a folder that a URL means, and nothing outside of it."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Sequence
from typing import NamedTuple

from tornado.web import HTTPError

from gramex.handlers.rules import Rules

LONGEST = 4096  # bytes of a path; file systems have no longer ones
IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\\]")  # no file that is meant to be served has these in its name
UNTIDY = re.compile(r"^/|/$|//|(?:^|/)\.\.?(?:/|$)")  # not the shortest form of a path
WINDOWS = os.name == "nt"
# Names that are devices on Windows, in any folder and with any extension.
DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{n}{i}" for n in ("com", "lpt") for i in "0123456789¹²³")]
)


class Place(NamedTuple):
    """A file or folder that a URL may mean, not looked at yet."""

    folder: str  # absolute; nothing outside of it is served
    text: str  # the part below it, from the URL
    exact: bool = False  # the configuration names it: a link there may lead out of the folder
    permitted: bool = False  # ... and the URL's pattern can mean nothing else: ``ignore`` does not count
    info: os.stat_result | None = None  # of the file, where it was asked for already


class Found(NamedTuple):
    """A file or folder that exists and may be served."""

    root: str  # the folder that is served, as configured
    path: str  # absolute, below root; opening it follows links
    relative: str  # below the folder, '' for the folder itself, with forward slashes
    stat: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.stat.st_mode)


def clean(text: str) -> str | None:
    """Return the part of a URL below a folder as a relative path without ``..``; None if no file can have that name.

    The text is decoded already, once. ``..`` never leaves the folder: ``a/../../b`` is ``b``.
    """
    if IMPOSSIBLE.search(text):
        return None
    relative = posixpath.normpath("/" + text).lstrip("/") if UNTIDY.search(text) else text
    try:
        size = len(relative.encode())
    except UnicodeEncodeError:  # lone surrogates
        return None
    if size > LONGEST or (WINDOWS and not windows_name(relative)):
        return None
    return relative


def windows_name(relative: str) -> bool:
    """False for paths that Windows would open as something else: devices, drives, streams, trailing dots."""
    for name in relative.split("/"):
        if ":" in name or "~" in name or name != name.rstrip(". ") or name.partition(".")[0].lower() in DEVICES:
            return False
    return True


def is_inside(path: str, folder: str) -> bool:
    """True if a real path is `folder` or below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def relative_to(path: str, folder: str) -> str:
    """Return a real path below `folder` relative to it, with forward slashes."""
    return path[len(folder.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def locate(place: Place, rules: Rules, links: Sequence[str] = ()) -> Found:
    """Return the file or folder at a place, if it may be served. `links` are real folders, besides the place's own,
    that links may lead into.

    Raises:
        HTTPError: 404, nothing there, or nothing that can be served; 403, refused by `rules`, by the file system, or
            because a link leads out of the folder.
    """
    relative = clean(place.text)
    if relative is None:
        raise HTTPError(404)
    path = f"{place.folder.rstrip(os.sep)}/{relative}" if relative else place.folder
    key = (place.folder, relative, place.exact, place.permitted)
    try:
        info = place.info or os.stat(path)
        state = (info.st_dev, info.st_ino, info.st_mode, info.st_ctime_ns)
        if rules.judged.get(key) == state:
            return Found(place.folder, path, relative, info)
        is_folder = stat.S_ISDIR(info.st_mode)
        if not is_folder and not stat.S_ISREG(info.st_mode):
            raise HTTPError(404)  # a pipe would block the server, a device is nobody's business
        real, root = os.path.realpath(path), os.path.realpath(place.folder)
    except PermissionError:
        raise HTTPError(403) from None
    except (OSError, ValueError):  # no such file, too many links, name too long, ...
        raise HTTPError(404) from None
    home = next((each for each in (root, *links) if is_inside(real, each)), None)
    if home is None and place.exact:
        home = os.path.dirname(real)
    if home is None:
        raise HTTPError(403, "%s leads out of its folder", relative)
    # A link within the folder is judged by the file that it leads to. One that leads out of it also by its own name:
    # elsewhere the file has another place.
    below, within = rules.below(place.folder), home == root
    if not place.permitted and (
        rules.refuses(relative_to(real, home), is_folder, below if within else "")
        or (not within and rules.refuses(relative, is_folder, below))
    ):
        raise HTTPError(403, "%s is refused by ignore:", relative)
    rules.remember(key, state)
    return Found(place.folder, path, relative, info)
