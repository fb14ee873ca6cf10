"""Finds the url entry for a path: compiled patterns in order of precedence, with a bounded cache of answers."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")
CACHE = 4096  # paths whose entry is remembered
CACHED_LENGTH = 256  # characters; longer paths are looked up each time, so that memory stays bounded
# Parts of a regular expression: names of groups, sets of characters, escapes, and what a URL has percent-encoded.
PARTS = re.compile(r"\(\?P[<=]\w+[>)]|\[\^?\]?(?:\\.|[^\]\\])*\]|\\?(?P<coded>[^\x00-\x7f]| )|\\.", re.DOTALL)
SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")


class Match(NamedTuple):
    """What a path led to: the target, and the groups of its pattern, unquoted, as bytes (None: not taken part)."""

    target: Any
    args: tuple[bytes | None, ...]
    kwargs: dict[str, bytes | None]


def normalise(pattern: str) -> str:
    """Resolve ``//``, ``/./`` and ``/../`` in a pattern and keep a final slash: ``/./page`` is ``/page``."""
    if not pattern.startswith("/"):
        return pattern
    path = posixpath.normpath(pattern)
    path = "/" + path.lstrip("/")  # normpath keeps two leading slashes, which browsers read as a host name
    if pattern.endswith(("/", "/.", "/..")) and not path.endswith("/"):
        path += "/"
    return path


def encoded(pattern: str) -> str:
    """Return a pattern whose spaces and letters beyond ASCII match what a request line has: ``ü`` is ``%C3%BC`` there.

    Not those in sets of characters, of which each stands for one character.
    """

    def code(part: re.Match[str]) -> str:
        if part["coded"] is None:
            return part[0]
        raw = part["coded"].encode("utf-8", "surrogateescape")
        quoted = "".join(f"%{byte:02X}" for byte in raw)
        return f"(?i:{quoted})" if raw == b" " else f"(?:(?i:{quoted})|{re.escape(raw.decode('latin-1'))})"

    if pattern.isascii() and " " not in pattern:
        return pattern
    return PARTS.sub(code, pattern)


def precedence(pattern: str, priority: float) -> tuple[float, int, int]:
    """Return a sort key: higher priority first, then more slashes, then fewer wildcards."""
    return (-priority, -pattern.count("/"), pattern.count("*") + pattern.count("+"))


def group_count(pattern: Any) -> int:
    """Return how many groups a pattern has, 0 where it is no pattern."""
    try:
        return re.compile(pattern).groups
    except (re.error, TypeError):
        return 0


def literal_prefix(pattern: str) -> str:
    """Return the text that every match of the regular expression `pattern` starts with."""
    found = SPECIAL.search(pattern)
    if not found:
        return pattern
    if "|" in pattern:
        return ""  # an alternative may start otherwise
    end = found.start()
    if found[0] in "*?{" and end:
        end -= 1  # the character before may be missing
    return pattern[:end]


class Router(Generic[T]):
    """An ordered table of patterns."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, re.Pattern[str], T]] = []
        self.literals: dict[str, tuple[int, T]] = {}
        self.cache: dict[str, Match | None] = {}

    def add(self, pattern: str, target: T) -> None:
        """Append a pattern of lower precedence than all before.

        Raises:
            re.error: the pattern is no regular expression.
        """
        pattern = encoded(pattern)
        self.rules.append((literal_prefix(pattern), re.compile(pattern), target))
        if not SPECIAL.search(pattern):
            self.literals.setdefault(pattern, (len(self.rules) - 1, target))
        self.cache.clear()

    def find(self, path: str) -> Match | None:
        """Return the first match for a path as it came in the request line (still percent-encoded)."""
        try:
            return self.cache[path]
        except KeyError:
            pass
        match = self._find(path)
        if len(path) <= CACHED_LENGTH:
            if len(self.cache) >= CACHE:
                self.cache.clear()
            self.cache[path] = match
        return match

    def matches(self, target: T, path: str) -> bool:
        """Return whether a pattern of one target matches a path, whatever has a higher precedence."""
        return any(each is target and pattern.fullmatch(path) for _, pattern, each in self.rules)

    def _find(self, path: str) -> Match | None:
        end, target = self.literals.get(path, (len(self.rules), None))
        for prefix, pattern, candidate in self.rules[:end]:
            if path.startswith(prefix) and (found := pattern.fullmatch(path)):
                named = {name: unquote(value) for name, value in found.groupdict().items()}
                # as in tornado: where groups have names, the others do not count
                return Match(candidate, () if named else tuple(unquote(value) for value in found.groups()), named)
        return Match(target, (), {}) if target is not None else None


def unquote(value: str | None) -> bytes | None:
    """Return the bytes of a percent-encoded group, decoded once. Bytes that were sent as they are stay as they are."""
    return None if value is None else unquote_to_bytes(value.encode("latin-1", "replace"))
