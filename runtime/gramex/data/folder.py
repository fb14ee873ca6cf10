"""A folder as a table: a row for each file and folder below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gramex.data.kinds import FLOAT, INT, TEXT
from gramex.data.query import Column
from gramex.data.refused import Refused

COLUMNS = [
    Column("path", TEXT, False), Column("dir", TEXT, False), Column("name", TEXT, False), Column("type", TEXT, False),
    Column("size", INT, False), Column("mtime", FLOAT, False), Column("level", INT, False),
]  # fmt: skip


def read_folder(base: Path, url: str) -> tuple[list[Column], list[list[Any]]]:
    """Return the columns, and the rows of the folder's own files and folders first, then of those in each folder.

    ``path`` is relative to the folder, ``dir`` begins and ends with a slash, ``mtime`` is in seconds since 1970, and
    ``level`` is 1 for what is directly in the folder.

    Raises:
        Refused: 404, there is no such folder.
    """
    rest = url.partition(":")[2] if url.lower().startswith("dir:") else url
    folder = base / (rest[2:] if rest.startswith("//") else rest)
    if not folder.is_dir():
        raise Refused(404, f"{folder}: there is no such folder")
    rows: list[list[Any]] = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        inner = Path(place).relative_to(folder)
        for names, is_folder in ((folders, True), (files, False)):
            for name in sorted(names):
                try:
                    info = (Path(place) / name).stat()
                except OSError:
                    continue  # gone meanwhile, or a link to nowhere
                kind = "dir" if is_folder else Path(name).suffix
                within = "/" if inner == Path() else f"/{inner.as_posix()}/"
                texts = ((inner / name).as_posix(), within, name, kind)
                rows.append([*map(shown, texts), info.st_size, info.st_mtime, len(inner.parts) + 1])
    return list(COLUMNS), rows


def shown(name: str) -> str:
    """Return a name as text that can be sent, whatever bytes it has."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
