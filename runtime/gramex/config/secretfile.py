"""Reads ``.secrets.yaml``, and the files that its SECRETS_IMPORT names."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from .imports import find
from .problem import ConfigError, Problem
from .tree import Budget, Section
from .yamlfile import read_yaml

FILE = ".secrets.yaml"
IMPORT = "SECRETS_IMPORT"


def read_secrets(folder: Path, files: list[Path], problems: list[Problem]) -> dict[str, Any]:
    """Return the secrets of the app in `folder`; empty if it has none.

    The files that were read or looked for are added to `files`, missing ones that another names to `problems`.

    Raises:
        ConfigError: a file cannot be read or parsed. The app would start with the passwords that it falls back to.
    """
    return _read(folder / FILE, files, problems, None)


def _read(path: Path, files: list[Path], problems: list[Problem], asked: Problem | None) -> dict[str, Any]:
    """Return the secrets of one file and its imports; `asked` is how to report that it is missing."""
    if path in files:
        return {}
    files.append(path)
    try:
        conf = read_yaml(path, Budget(), problems)
    except FileNotFoundError:
        if path.is_symlink():
            asked = Problem(logging.WARNING, f"Missing config: {path}: it links to a file that is not there", path)
        if asked:
            problems.append(asked)
        return {}
    if conf is None:
        return {}
    if not isinstance(conf, Section):
        raise ConfigError(Problem(logging.CRITICAL, "must be a mapping of names and secrets", path))
    place = conf.places.get(IMPORT)
    line = place[1] if place else None
    secrets: dict[str, Any] = {}
    for pattern in _patterns(conf.pop(IMPORT, None), path, line):
        for name, target in find(pattern, path.parent):
            missing = Problem(logging.WARNING, f"Missing config: {name}", path, line, IMPORT)
            for key, value in _read(target, files, problems, missing).items():
                secrets.setdefault(key, value)
    return secrets | {str(key): value for key, value in conf.items()}


def _patterns(value: Any, path: Path, line: int | None) -> list[str]:
    """Return the paths that a SECRETS_IMPORT names.

    Raises:
        ConfigError: it is neither a path, nor a list or mapping of paths.
    """
    patterns = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    patterns = [each for each in patterns if each is not None]
    if not all(isinstance(each, str) for each in patterns):
        raise ConfigError(Problem(logging.CRITICAL, "must be a path, a list or a mapping of paths", path, line, IMPORT))
    return patterns
