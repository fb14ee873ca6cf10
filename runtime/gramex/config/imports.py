"""Reads the ``import:`` key in all its forms: which files, under which name, with which variables and namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import globs
from .tree import Section

MERGE = "import.merge"
DEFAULT_NAME = "import"  # of an import that is given without one
# `namespace: true`: the sections that the documentation names as safe.
SAFE_SECTIONS = ("url", "cache", "schedule", "watch")


@dataclass(slots=True)
class Import:
    """One entry of an ``import:`` key."""

    name: str
    paths: list[str]
    variables: dict[str, Any] = field(default_factory=dict)
    namespaces: list[str] = field(default_factory=list)


class BadImport(Exception):
    """An ``import:`` key that is none of the forms; the rest of the configuration is not affected."""


def entries(value: Any) -> Iterator[Import | BadImport]:
    """Yield what an ``import:`` key asks for, in order."""
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield Import(DEFAULT_NAME, [value])
    elif isinstance(value, list):
        for each in value:
            yield from entries(each) if isinstance(each, (str, dict)) or each is None else iter([_bad(each)])
    elif not isinstance(value, dict):
        yield _bad(value)
    elif isinstance(value.get("path"), (str, list)):
        yield _named(DEFAULT_NAME, value)
    else:
        for name, each in value.items():
            if isinstance(each, dict):
                yield _named(str(name), each)
            elif isinstance(each, (str, list)):
                yield _named(str(name), {"path": each})
            elif each is not None:
                yield _bad(each, str(name))


def _bad(value: Any, name: str = "") -> BadImport:
    prefix = f"{name}: " if name else ""
    return BadImport(f"{prefix}{value!r} names no file: write a path, a list of paths, or NAME: {{path: ...}}")


def _named(name: str, value: dict[str, Any]) -> Import | BadImport:
    path = value.get("path")
    paths = [path] if isinstance(path, str) else path
    if not isinstance(paths, list) or not all(isinstance(each, str) and each for each in paths):
        return _bad(path, f"{name}: path")
    namespace = value.get("namespace")
    if namespace is True:
        namespaces = list(SAFE_SECTIONS)
    elif isinstance(namespace, str):
        namespaces = [namespace]
    elif not namespace:
        namespaces = []
    elif isinstance(namespace, list) and all(isinstance(each, str) for each in namespace):
        namespaces = namespace
    else:
        return BadImport(f"{name}: namespace: {namespace!r} is neither a section such as url nor a list of sections")
    variables = {str(key): each for key, each in value.items() if key not in ("path", "namespace")}
    return Import(name, paths, variables, namespaces)


def find(path: str, folder: Path) -> list[tuple[str, Path]]:
    """Return the files that a path names, each as (as written or found, absolute path).

    A path without ``*`` is one file, whether it exists or not.
    """
    names = globs.find(path, folder) if "*" in path else [path]
    return [(name, _absolute(folder, name)) for name in names]


def _absolute(folder: Path, path: str) -> Path:
    return Path(os.path.normpath(folder / path))


def rename(conf: Section, namespaces: list[str], prefix: str) -> None:
    """Put `prefix` before every key of the named sections, deeper ones first. ``*`` is the top level.

    What `conf` imports is in it already, and is renamed with the rest.
    """
    for namespace in sorted(namespaces, key=lambda each: 0 if each == "*" else -1 - each.count(".")):
        section: Any = conf
        for name in [] if namespace == "*" else namespace.split("."):
            section = section.get(name) if isinstance(section, Section) else None
        if isinstance(section, Section):
            items, places = list(section.items()), dict(section.places)
            section.clear()
            section.places.clear()
            for key, value in items:
                section.put(f"{prefix}:{key}", value, places.get(key))
