"""Says where below a folder an uploaded file may be stored, by the name that the client gives."""

from __future__ import annotations

import os
import posixpath
import re

from tornado.web import HTTPError

from gramex.handlers.paths import DEVICES, clean, is_inside

LONGEST = 255  # bytes of one name; file systems have no longer ones
META = ".meta.db"  # the folder's own list of files, and what SQLite puts beside it
DRIVE = re.compile(r"[A-Za-z]:")


def store_path(folder: str, name: str) -> str:
    """Return a client's name as a path below the real path `folder`, relative to it, with forward slashes.

    Names that Windows cannot have are refused everywhere: the folder may be copied there.

    Raises:
        HTTPError: 403, it leaves the folder or is the list of files; 400, no file can have that name.
    """
    if leaves(name):
        raise HTTPError(403, "upload: %r leaves the folder", name)
    relative = clean(name)
    if not relative:
        raise HTTPError(400, "upload: %r cannot be the name of a file", name)
    parts = relative.split("/")
    if not all(map(is_possible, parts)):
        raise HTTPError(400, "upload: %r cannot be the name of a file", name)
    if any(part.lower().startswith(META) for part in parts):
        raise HTTPError(403, "upload: %r is the list of files", name)
    try:
        parent = os.path.realpath(os.path.join(folder, *parts[:-1]))  # noqa: PTH118
    except (OSError, ValueError):
        raise HTTPError(400, "upload: %r cannot be the name of a file", name) from None
    if not is_inside(parent, folder):
        raise HTTPError(403, "upload: %r leaves the folder by a link", name)
    return relative


def leaves(name: str) -> bool:
    """True if a name means a place outside of the folder, here or on Windows."""
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or DRIVE.match(slashed):
        return True
    return posixpath.normpath(slashed).split("/", 1)[0] == ".."


def is_possible(part: str) -> bool:
    """True if one part of a path can be the name of a file or folder on every system."""
    return (
        len(part.encode()) <= LONGEST
        and ":" not in part
        and part == part.rstrip(". ")
        and part.partition(".")[0].rstrip().lower() not in DEVICES
    )
