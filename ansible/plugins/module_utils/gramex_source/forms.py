"""Tells the forms of a source apart, and brings what is elsewhere to the controller: all but `host` end as a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import archive
from .git import Repository
from .keep import Kept
from .tree import SourceError

GIT = ("git", "ssh", "git+ssh", "ssh+git", "git+https", "git+http", "git+file", "file")
WEB = ("http", "https")
ARCHIVES = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
SCP = re.compile(r"[\w.-]+@[\w.-]+:(?!//)")  # user@host:path, as ssh's own programs write it


class Unfit(SourceError):
    """A source cannot be taken; `key` is the one to change: source, version or checksum."""

    def __init__(self, text: str, key: str, right: str = "") -> None:
        super().__init__(text)
        self.key, self.right = key, right


def form(source: Any, checksum: str | None = None) -> str:
    """Return host, git, url (of an archive) or path. Raises Unfit for a URL that is none of them."""
    if isinstance(source, Mapping):
        return "host"
    if SCP.match(source):
        return "git"
    if "://" not in source:
        return "path"
    parts = urlsplit(source)
    if parts.scheme in GIT:
        return "git"
    if parts.scheme in WEB:
        return "url" if checksum or ARCHIVES.search(parts.path) else "git"
    known = ", ".join(("https", "http", "ssh", "git", "file"))
    raise Unfit(f"no source is fetched by {parts.scheme}: {known} are.", "source")


def fetch(source: str, version: str | None, checksum: str | None, base: str, cache: Path, run: str) -> tuple[Path, str]:
    """Return the folder on the controller that a source ends as, and what it is: `folder`, `git COMMIT`, `archive`.

    A relative path starts at `base`, what is fetched is kept in `cache`, and one `run` gets one answer. Raises Unfit.
    """
    kind = form(source, checksum)
    place = Path(os.path.normpath(Path(base) / Path(source).expanduser())) if kind == "path" else Path()
    if kind == "path" and place.suffix == ".git" and (place / "HEAD").is_file():
        kind, source = "git", str(place)
    packed = kind == "url" or (kind == "path" and place.is_file())
    if version and kind != "git":
        raise Unfit("is for git sources; this one is not git.", "version")
    if checksum and not packed:
        raise Unfit("is for archives; this source is none.", "checksum")
    try:
        if kind == "git":
            url = re.sub(r"^git\+", "", source)
            folder, commit = Repository(url, Kept.of(cache, "git", url)).fetch(version, run)
            return folder, f"git {commit}"
        if kind == "url":
            if not checksum:
                raise Unfit(
                    "is missing: what a URL answers may change.",
                    "checksum",
                    "checksum: sha256:HEX  # what sha256sum says of the archive that you looked at",
                )
            return archive.fetched(source, checksum, cache), "archive"
        if packed:
            return archive.local(place, checksum, cache), "archive"
    except archive.WrongSum as error:
        raise Unfit(f"{error}.", "checksum") from error
    except Unfit:
        raise
    except SourceError as error:
        raise Unfit(f"{error}.", "version" if hasattr(error, "names") else "source") from error
    return place, "folder"
