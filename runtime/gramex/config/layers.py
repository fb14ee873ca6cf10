"""Puts the three layers together: packaged defaults, the app's gramex.yaml, the command line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gramex import __version__
from gramex.options import nearest

from . import inuse, table
from .appsettings import check_app
from .merge import overlay
from .problem import ConfigError, Problem, app_log
from .reader import Reader
from .secretfile import read_secrets
from .tree import Section, find_place, plain, sections

FILE = "gramex.yaml"
# Sections that a service reads, and `test`, `encrypt`, which Gramex knows. Others are reported, and do no harm.
SERVICES = frozenset(
    "version mime threadpool cache handlers log eventlog app storelocations schedule url watch email alert sms".split()  # noqa: SIM905
) | {"test", "encrypt"}

# Sections, and entries of them, that are nothing but mappings, and without which there is no server.
MAPPINGS = [
    ("url",), ("handlers",), ("handlers", "*"), ("mime",), ("cache",), ("threadpool",),
    ("log",), ("log", "handlers"), ("log", "handlers", "*"), ("log", "loggers"), ("log", "loggers", "*"),
    ("log", "formatters"), ("log", "formatters", "*"), ("log", "root"),
]  # fmt: skip


@dataclass
class Loaded:
    """One checked configuration.

    `conf` is what services read: all layers merged, without nulls and comments, in plain dict, list and values.
    `folder` is the start folder, absolute. `files` are all YAML files that were read or looked for, `folders` those of
    the files that were read, the start folder first. `guide` is True where the start folder has no ``gramex.yaml``.
    """

    conf: dict[str, Any]
    folder: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    guide: bool = False
    tree: Section = field(default_factory=Section, repr=False)

    def where(self, *path: str) -> str:
        """Return where the key at `path` was written, such as ``gramex.yaml:12``.

        A key that is not there has the place of the nearest key above it. '' when unknown, and for what the command
        line set. Files in the start folder are relative to it.
        """
        place = find_place(self.tree, path)
        return f"{short_path(place[0], self.folder)}:{place[1]}" if place else ""

    def report(self, first: bool = True) -> None:
        """Say that this configuration is in use from now on, and log what is wrong with it.

        `first`: at the start, not at a reload.
        """
        inuse.use(self)
        if first:
            python = ".".join(str(part) for part in sys.version_info[:3])
            app_log.info("Gramex %s | %s | Python %s", __version__, self.folder, python)
            if self.guide:
                app_log.info("There is no %s in %s: serving the guide", FILE, self.folder)
        for name in self.conf:
            if name in SERVICES:
                app_log.debug("Loading service: %s", name)
        for problem in self.problems:
            problem.log()


def short_path(path: Path, folder: Path) -> Path:
    """Return `path` relative to `folder` if it is in there."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def load(folder: Path, options: Mapping[str, Any] = {}) -> Loaded:
    """Read the configuration of the app in `folder`.

    `options` are those of the command line. Mistakes that leave something out are in the result's `problems`.

    Raises:
        ConfigError: a mistake that stops the start. `gramex.config.variables` is as it was before.
    """
    before = dict(table.variables)
    try:
        return _load(Path(folder).absolute(), options)
    except BaseException:
        table.variables.clear()
        table.variables.update(before)
        raise


def _load(folder: Path, options: Mapping[str, Any]) -> Loaded:
    reader = Reader(folder)
    own = folder / FILE
    guide = not own.exists() and not own.is_symlink()
    table.begin(read_secrets(folder, reader.files, reader.problems), folder)
    try:
        tree = reader.read(table.PACKAGE / FILE) or Section()
        if guide:
            reader.files.append(own)
        base = reader.read(table.PACKAGE / "guide" / FILE if guide else own) or Section()
        reader.problems += _drop_other_than_mappings(base)
        if "app" in base and base["app"] is None:  # with nothing below it: there is no server without the packaged one
            base.take("app")
        overlay(tree, base)
        if isinstance(tree.get("app", {}), dict):  # else it is a mistake, which options must not hide
            overlay(tree, _command_line(options))
        conf = plain(tree)
    except RecursionError:
        raise ConfigError(Problem(logging.CRITICAL, "is nested too deep, or contains itself", own)) from None
    table.enter_file(own, folder)
    fatal = reader.fatal + check_app(conf, tree) + _check_version(conf, tree)
    if fatal:
        raise ConfigError(*fatal)
    problems = reader.problems + _check_sections(conf, tree)
    return Loaded(conf, folder, reader.files, reader.folders, problems, guide, tree)


def _drop_other_than_mappings(base: Section) -> list[Problem]:
    """Take away what would replace a whole section that the server needs; return what was wrong."""
    problems = []
    for path in MAPPINGS:
        section: Any = base
        for name in path[:-1]:
            section = section.get(name) if isinstance(section, Section) else None
        names = list(section) if path[-1] == "*" and isinstance(section, Section) else [path[-1]]
        for name in names:
            value = section.get(name) if isinstance(section, Section) else None
            if value is None or isinstance(value, dict):
                continue
            keys = (*path[:-1], str(name))
            file, line = find_place(base, keys) or (None, None)
            section.take(name)
            message = f"must be a mapping, not {value!r}: it is left out"
            problems.append(Problem(logging.ERROR, message, file, line, ".".join(keys)))
    return problems


def _command_line(options: Mapping[str, Any]) -> Section:
    """Return the layer that the options of the command line make."""
    logger = dict(options["log"]) if isinstance(options.get("log"), Mapping) else {}
    if isinstance(logger.get("level"), str):
        logger["level"] = logger["level"].upper()
    app = {key: value for key, value in options.items() if key != "log"}
    return sections({"app": app, "log": {"loggers": {"gramex": logger}}} if logger else {"app": app})


def _check_version(conf: Mapping[str, Any], tree: Section) -> list[Problem]:
    """Return a problem if the configuration is written for another version of the format."""
    version = conf.get("version")
    if str(version) in ("1.0", "1"):
        return []
    file, line = find_place(tree, ("version",)) or (None, None)
    return [Problem(logging.CRITICAL, f"must be 1.0, the only one there is, not {version!r}", file, line, "version")]


def _check_sections(conf: Mapping[str, Any], tree: Section) -> list[Problem]:
    """Return a problem for each section that no service reads."""
    problems = []
    for name in conf:
        if name not in SERVICES:
            file, line = find_place(tree, (str(name),)) or (None, None)
            near = nearest(str(name), SERVICES)
            message = f"No service named {name}" + (f": did you mean {near}?" if near else "")
            problems.append(Problem(logging.ERROR, message, file, line, str(name), harmless=not near))
    return problems
