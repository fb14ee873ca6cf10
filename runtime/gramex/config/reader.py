"""Reads a YAML file and all that it imports into one section."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import imports, modules, table
from .define import define
from .imports import Import
from .merge import underlay
from .problem import ConfigError, Problem
from .substitute import Substitution, dotted
from .tree import Budget, Place, Section, TooLarge, copy
from .yamlfile import read_yaml

MAX_READS = 2000  # files in one configuration: more means that files import one another in circles of globs
MAX_CHAIN = 40  # imports inside one another


class Reader:
    """What has been read so far for one configuration.

    `problems` are mistakes that leave something out, `fatal` those that stop the start.
    """

    def __init__(self, start: Path):
        self.start = start
        self.files: list[Path] = []
        self.folders: list[Path] = [start]
        self.problems: list[Problem] = []
        self.fatal: list[Problem] = []
        self.budget = Budget()
        self.reads = 0
        self.missing: set[Path] = set()

    def read(
        self,
        path: Path,
        chain: tuple[Path, ...] = (),
        variables: dict[str, Any] | None = None,
        place: Place | None = None,
        key: str | None = None,
    ) -> Section | None:
        """Return the content of the file at `path`, its imports included; None if it cannot be used, which is reported.

        `chain` are the files that import this one, the first one first; `variables` are those that the import gives;
        `place` and `key` tell where the import was asked for.
        """
        if path not in self.files:
            self.files.append(path)
        self.reads += 1
        if self.reads > MAX_READS or len(chain) > MAX_CHAIN:
            self._stop(f"reads more than {MAX_READS} files, or more than {MAX_CHAIN} deep", place, key)
            return None
        try:
            conf = read_yaml(path, self.budget, self.problems)
        except FileNotFoundError:
            if path not in self.missing:
                self.missing.add(path)
                self._report(logging.WARNING, f"Missing config: {path}", place, key)
            return None
        except ConfigError as error:
            self.problems.append(error.problem)
            return None
        self._enter(path, variables or {})
        if not isinstance(conf, Section):
            if conf is not None:
                problem = Problem(
                    logging.WARNING, f"Config is not a dict: {path}: it must be a mapping of sections", path
                )
                self.problems.append(problem)
            return None if conf is not None else Section()
        return self._complete(conf, path, chain)

    def _enter(self, path: Path, variables: dict[str, Any]) -> None:
        """Set the variables of a file, and make the modules beside it importable."""
        table.enter_file(path, self.start, variables.get("YAMLURL"))
        table.variables.update((name, value) for name, value in variables.items() if name != "YAMLURL")
        # Gramex's own modules have no business on the path of an app's.
        if path.parent not in self.folders and path.parent not in (table.PACKAGE, table.PACKAGE / "guide"):
            self.folders.append(path.parent)
        modules.importable(self.folders)

    def _complete(self, conf: Section, path: Path, chain: tuple[Path, ...]) -> Section:
        """Evaluate the variables, conditions, texts and imports of one file's content."""
        substitution = Substitution(path, table.variables, self.budget)
        try:
            define(conf, substitution, table.variables)
            substitution.apply(conf)
        except TooLarge as error:
            self._stop(str(error), (path, 0), None)
            return Section()
        finally:
            self.problems += substitution.problems
            self.fatal += substitution.fatal
        if substitution.imports:
            self._resolve(conf, (*chain, path))
        return conf

    def _resolve(self, conf: Section, chain: tuple[Path, ...]) -> None:
        """Replace the ``import`` keys of a file's content, at any depth, by what they name: the earlier one wins."""
        # Only clashes with and among imports of the app's own file are worth a warning.
        problems = self.problems if len(chain) == 1 else None
        for section, content, keys in [*self._imported(conf, (), chain)]:
            underlay(section, content, keys, problems)

    def _imported(
        self, value: Any, keys: tuple[Any, ...], chain: tuple[Path, ...]
    ) -> Iterator[tuple[Section, Section, tuple[Any, ...]]]:
        """Take the ``import`` keys out of a value; yield for each file the mapping that it was named in, and where."""
        if isinstance(value, list):
            for each in value:
                yield from self._imported(each, keys, chain)
            return
        if not isinstance(value, Section):
            return
        self._splice(value, keys, chain[-1])
        for key in list(value):
            if key == "import":
                place = value.places.get(key)
                for content in self._contents(value.take(key), place, (*keys, key), chain):
                    yield value, content, keys
            elif isinstance(value[key], (dict, list)):
                yield from self._imported(value[key], (*keys, key), chain)

    def _splice(self, section: Section, keys: tuple[Any, ...], path: Path) -> None:
        """Put the mappings of ``import.merge`` keys into the one around them, replacing keys."""
        names = [key for key in section if isinstance(key, str)]
        for key in names:
            if key != imports.MERGE and not key.startswith(imports.MERGE + "."):
                continue
            place = section.places.get(key)
            value = section.take(key)
            if isinstance(value, Section):
                for name, each in value.items():
                    section.put(name, each, value.places.get(name, place))
            elif value not in (None, ""):
                message = f"merges a mapping, such as a variable that holds one, not {type(value).__name__}"
                line = place[1] if place else None
                self.problems.append(Problem(logging.ERROR, message, path, line, dotted((*keys, key))))

    def _contents(
        self, value: Any, place: Place | None, keys: tuple[Any, ...], chain: tuple[Path, ...]
    ) -> list[Section]:
        """Return the contents of all files that one ``import`` key names, in order."""
        contents: list[Section] = []
        key = dotted(keys)
        for entry in imports.entries(value):
            if isinstance(entry, Import):
                contents += self._import(entry, place, key, chain)
            else:
                self._report(logging.ERROR, str(entry), place, key)
        return contents

    def _import(self, entry: Import, place: Place | None, key: str, chain: tuple[Path, ...]) -> list[Section]:
        """Return the contents of the files of one import."""
        contents: list[Section] = []
        for path in entry.paths:
            found = imports.find(path, chain[-1].parent)
            if not found:
                self._report(logging.WARNING, f"no file matches {path}", place, key)
            for name, target in found:
                if target in chain:
                    if "*" not in path:
                        self._report(logging.ERROR, f"{path} imports itself: {_route(chain, target)}", place, key)
                    continue
                # The variables are copied: what one file makes of a mapping must not reach the next.
                variables = {each: copy(content, self.budget) for each, content in entry.variables.items()}
                content = self.read(target, chain, variables, place, key)
                if content is not None:
                    imports.rename(content, entry.namespaces, f"{entry.name}:{name}")
                    contents.append(content)
        return contents

    def _report(self, level: int, message: str, place: Place | None, key: str | None) -> None:
        file, line = place or (None, None)
        self.problems.append(Problem(level, message, file, line, key))

    def _stop(self, message: str, place: Place | None, key: str | None) -> None:
        file, line = place or (None, None)
        self.fatal.append(Problem(logging.CRITICAL, message, file, line or None, key))


def _route(chain: tuple[Path, ...], target: Path) -> str:
    """Return by which files an import leads back to where it is."""
    start = chain.index(target)
    return " -> ".join(each.name if each.parent == target.parent else str(each) for each in (*chain[start:], target))
