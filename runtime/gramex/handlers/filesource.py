"""What the ``path:`` of a FileHandler means for a URL: one place below a folder, or several to be joined."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from tornado.web import HTTPError

from gramex.handlers.paths import Found, Place, locate
from gramex.handlers.rules import Rules

GetArgument = Callable[[str], str | None]


def split_root(pattern: str, first: str) -> tuple[str, str]:
    """Split a path before the name in which the character `first` stands: the folder, and the rest."""
    begin = pattern.index(first)
    slash = max(pattern.rfind("/", 0, begin), pattern.rfind(os.sep, 0, begin))
    return pattern[:slash] or os.sep, pattern[slash + 1 :]


class Source:
    """One text of ``path:``: a file, a folder, or a path with a ``*``."""

    def __init__(self, text: str, start: Path, groups: bool):
        """Take a path, relative to the folder `start`. `groups` says whether the URL's pattern has groups."""
        self.path = os.path.normpath(os.path.join(start, os.path.expanduser(text)))
        self.star = "*" in text
        self.groups = groups
        if self.star:
            self.folder, self.rest = split_root(self.path, "*")
        else:
            self.folder, self.rest = os.path.split(self.path)

    def place(self, group: str) -> Place:
        """Return what the group of a URL means."""
        if self.star:
            return Place(self.folder, self.rest.replace("*", group.strip("/")))
        try:
            info = os.stat(self.path)
        except (OSError, ValueError):
            info = None  # locate() says what that means
        if info is not None and stat.S_ISDIR(info.st_mode):
            return Place(self.path, group)
        return Place(self.folder, self.rest, True, not self.groups, info)


class Mapped:
    """A ``path:`` that maps regular expressions to paths with ``{0}`` and ``{name}``."""

    def __init__(self, mapping: Mapping[str, Any], default: Any, start: Path):
        """Compile the mapping; `default` has values for names that a URL leaves out.

        Raises:
            ValueError: a key that is no regular expression, a value that is no text, or `default` is no mapping.
        """
        if default is not None and not isinstance(default, Mapping):
            raise ValueError(f"default: must be a mapping of names to values, not {default!r}")
        self.default = {str(key): str(value) for key, value in (default or {}).items()}
        self.rules: list[tuple[re.Pattern[str], str, str]] = []
        for key, value in mapping.items():
            if not isinstance(value, str):
                raise ValueError(f"path: {key}: must be a path, not {value!r}")
            try:
                regex = re.compile(str(key))
                [*Formatter().parse(value)]
            except (re.error, ValueError) as error:
                raise ValueError(f"path: '{key}: {value}' is invalid: {error}") from error
            path = os.path.normpath(os.path.join(start, value))
            if "{" in path:
                self.rules.append((regex, *split_root(path, "{")))
            else:
                self.rules.append((regex, os.path.dirname(path), os.path.basename(path)))

    def place(self, group: str, argument: GetArgument) -> Place:
        """Return what the group of a URL means: the first expression that matches it whole decides.

        Raises:
            HTTPError: 404, none matches, or a name has no value.
        """
        for regex, folder, rest in self.rules:
            found = regex.fullmatch(group) or regex.fullmatch("/" + group)
            if found:
                return Place(folder, self._fill(rest, found, argument))
        raise HTTPError(404)

    def _fill(self, rest: str, found: re.Match[str], argument: GetArgument) -> str:
        result = []
        for literal, field, _, _ in Formatter().parse(rest):
            result.append(literal)
            if field is None:
                continue
            groups: Mapping[str, Any] = found.groupdict()
            if field.isdigit():
                value = found.group(int(field) + 1) if int(field) < found.re.groups else None
            else:
                value = groups.get(field)
            value = value if value is not None else argument(field)
            value = value if value is not None else self.default.get(field)
            if value is None:
                raise HTTPError(404)
            result.append(value)
        return "".join(result)


class FileSource:
    """The whole ``path:`` key."""

    def __init__(self, path: Any, default: Any, start: Path, groups: bool):
        """Take the key.

        Raises:
            ValueError: it is neither text, nor a list, nor a mapping.
        """
        self.mapped: Mapped | None = None
        self.sources: list[Source] = []
        self.is_list = isinstance(path, (list, tuple))
        if isinstance(path, Mapping):
            self.mapped = Mapped(path, default, start)
            return
        texts = path if isinstance(path, (list, tuple)) else [path]
        if not texts or not all(isinstance(text, str) and text for text in texts):
            raise ValueError(f"path: must be a file or folder, a list of files, or a mapping, not {path!r}")
        self.sources = [Source(text, start, groups) for text in texts]

    def find(self, group: str, argument: GetArgument, rules: Rules, links: list[str]) -> list[Found]:
        """Return what is there for the group of a URL; several are to be joined.

        Raises:
            HTTPError: 404 or 403, one of them is not there or is refused.
        """
        if self.mapped:
            places = [self.mapped.place(group, argument)]
        else:
            places = [source.place(group) for source in self.sources]
        return [locate(place, rules, links) for place in places]
