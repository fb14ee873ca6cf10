"""Serves front-end libraries by their names: from a local folder, or by sending visitors to a public CDN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from tornado.web import HTTPError

from gramex.handlers.base import BaseHandler
from gramex.handlers.filehandler import FileHandler

# A library is named as in npm, perhaps with its scope, perhaps with a version or a range of versions.
LIBRARY = re.compile(
    r"(?P<name>(?:@[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*)(?:@(?P<version>[0-9A-Za-z^~][0-9A-Za-z.+-]*))?"
    r"(?:/(?P<file>.*))?",
    re.DOTALL | re.ASCII,
)
VERSION = re.compile(r"[0-9A-Za-z^~][0-9A-Za-z.+-]*")
CDN = re.compile(r"https?://[^\x00-\x20\x7f\\?#]+")
IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\\]")
SAFE = "/!$&'()*+,;=:@~"  # what the path of a URL may hold as it is


class Library(NamedTuple):
    """What a URL below ui/ asks for."""

    name: str
    version: str
    file: str


def parse(path: str) -> Library:
    """Return what a path means.

    Raises:
        HTTPError: 404, it cannot be the path of a library's file.
    """
    found = LIBRARY.fullmatch(path)
    file = (found and found["file"]) or ""
    parts = file.removesuffix("/").split("/") if file else []
    if not found or IMPOSSIBLE.search(path) or any(part in ("", ".", "..") for part in parts):
        raise HTTPError(404, "ui: %r is no file of a library", path)
    return Library(found["name"], found["version"] or "", file)


class LibraryHandler(BaseHandler):
    """Sends visitors to the CDN ``url``, which has libraries under their names as jsDelivr and unpkg have."""

    url: ClassVar[str]
    versions: ClassVar[dict[str, str]] = {}

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take ``url``, and ``versions`` over ``known``: mappings of library to version.

        Raises:
            ValueError: a key cannot be meant.
        """
        super().setup(**kwargs)
        url = kwargs.get("url")
        if not isinstance(url, str) or not CDN.fullmatch(url):
            raise ValueError(f"UI_CDN: must be a URL such as https://cdn.jsdelivr.net/npm, not {url!r}")
        cls.url = url.rstrip("/")
        cls.versions = {}
        for versions in (kwargs.get("known"), kwargs.get("versions")):
            if versions and not isinstance(versions, Mapping):
                raise ValueError(f"UI_VERSIONS: must be a mapping such as {{bootstrap: 5}}, not {versions!r}")
            for name, version in (versions or {}).items():
                if not VERSION.fullmatch(str(version)):
                    raise ValueError(f"UI_VERSIONS: {name}: must be a version such as 5.3.3, not {version!r}")
                cls.versions[str(name)] = str(version)

    def get(self, *path_args: str, **path_kwargs: str) -> None:
        """Redirect to the library's file."""
        library = parse((path_args or ("",))[0] or "")
        version = library.version or self.versions.get(library.name, "")
        name = f"{library.name}@{version}" if version else library.name
        self.set_own_headers()
        self.redirect(f"{self.url}/{name}{'/' if library.file else ''}{quote(library.file, SAFE)}")

    head = get


class LocalLibraryHandler(FileHandler):
    """Serves libraries from a folder that has them under their names, as node_modules does; a version is ignored."""

    @classmethod
    def setup(cls, **kwargs: Any) -> None:
        """Take the keys of a FileHandler; `path` is the folder.

        Raises:
            ValueError: there is no such folder.
        """
        path = cls.loaded.folder / str(kwargs.get("path"))
        if not path.is_dir():
            raise ValueError(f"UI_FOLDER: there is no folder {kwargs.get('path')}")
        super().setup(**kwargs)

    def group(self) -> str:
        """Return the path of the file below the folder."""
        library = parse(super().group())
        return f"{library.name}/{library.file}"
