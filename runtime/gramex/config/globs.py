"""Finds the files that a path with ``*`` names."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

Translate = Callable[[str], str]


def find(pattern: str, folder: Path) -> list[str]:
    """Return the files that match, sorted, relative to `folder` where `pattern` is.

    ``*`` stands for any part of a name, and for no dot at its beginning; ``**`` for any folders below, links left
    alone: they may lead in circles. Brackets mean themselves, as in a folder's name, unless nothing is found that way;
    then they are classes of letters.
    """
    root = Path(pattern).anchor
    parts = [part for part in pattern[len(root) :].replace(os.sep, "/").split("/") if part not in ("", ".")]
    for translate in (_plain, fnmatch.translate):
        found = set(_walk(Path(root) if root else folder, root.replace(os.sep, "/"), parts, translate))
        if found or "[" not in pattern:
            break
    return sorted(found)


def _plain(part: str) -> str:
    return "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in part)


def _walk(folder: Path, prefix: str, parts: list[str], translate: Translate) -> Iterator[str]:
    """Yield the files below `folder` that match `parts`, each with `prefix` before it."""
    name, rest = parts[0], parts[1:]
    if name == "**":
        if rest:
            yield from _walk(folder, prefix, rest, translate)
        for entry in _entries(folder):
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", parts, translate)
            elif not rest and not entry.name.startswith(".") and entry.is_file():
                yield prefix + entry.name
    elif "*" in name or (translate is not _plain and "[" in name):
        pattern = re.compile(translate(name), re.DOTALL)
        for entry in _entries(folder):
            if pattern.fullmatch(entry.name) and (name.startswith(".") or not entry.name.startswith(".")):
                if not rest and entry.is_file():
                    yield prefix + entry.name
                elif rest and entry.is_dir():
                    yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", rest, translate)
    elif rest:
        yield from _walk(folder / name, f"{prefix}{name}/", rest, translate)
    elif (folder / name).is_file():
        yield prefix + name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (OSError, ValueError):
        return []
