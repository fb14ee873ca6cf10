"""Reads sections whose entries have names, such as ``schedule:``. A mistake costs its entry, never another one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from gramex.options import Option, nearest

if TYPE_CHECKING:
    from gramex.config import Loaded

app_log = logging.getLogger("gramex")

Made = TypeVar("Made")


class EntryError(ValueError):
    """A mistake in an entry. `key` is where it is, '' for the entry as a whole."""

    def __init__(self, key: str, message: str):
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key


class Entry:
    """One entry: `name`, the mapping `spec`, and the place for what is said about it."""

    def __init__(self, loaded: Loaded, section: str, name: str, spec: Mapping[str, Any]):
        self.loaded, self.section, self.name, self.spec = loaded, section, name, spec
        self.label = f"{section}:{name}"

    def say(self, level: int, message: object, key: str = "") -> None:
        """Log something about the entry, with file and line."""
        where = self.loaded.where(self.section, self.name, *([key] if key else []))
        app_log.log(level, "%s%s: %s", f"{where}: " if where else "", self.label, message)

    def check_keys(self, known: Collection[str]) -> None:
        """Warn about keys that nothing reads."""
        for key in self.spec:
            if key not in known:
                near = nearest(str(key), known)
                self.say(logging.WARNING, f"{key}: is not known{f': did you mean {near}?' if near else ''}", str(key))

    def switch(self, key: str, default: bool | None = False) -> Any:
        """Return a setting that is on or off, `default` if it is neither.

        Raises:
            EntryError: it is something else.
        """
        return self._convert(key, "switch", default)

    def port(self, key: str, default: int) -> int:
        """Return a port.

        Raises:
            EntryError: it is none.
        """
        return self._convert(key, "port", default)

    def _convert(self, key: str, kind: str, default: Any) -> Any:
        if self.spec.get(key) is None:
            return default
        try:
            return Option(key, kind, "", "").convert(self.spec[key])
        except ValueError as error:
            raise EntryError(key, str(error)) from None


def read_entries(loaded: Loaded, section: str, make: Callable[[Entry], Made]) -> dict[str, Made]:
    """Return what `make` makes of each entry of a section. A mistake is logged, and costs its entry."""
    entries = loaded.conf.get(section)
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        where = loaded.where(section)
        prefix = f"{where}: " if where else ""
        app_log.error("%s%s: must be a mapping of names to entries, not %r", prefix, section, entries)
        return {}
    made: dict[str, Made] = {}
    for name, spec in entries.items():
        entry = Entry(loaded, section, str(name), spec if isinstance(spec, Mapping) else {})
        try:
            if not isinstance(spec, Mapping):
                raise EntryError("", f"must be a mapping, not {spec!r}")
            made[entry.name] = make(entry)
        except EntryError as error:
            entry.say(logging.ERROR, error, error.key)
        except Exception as error:
            # ValueError is how a user's mistake is reported; other errors are those of modules of the app.
            plain = isinstance(error, (ValueError, SyntaxError))
            entry.say(logging.ERROR, error if plain else f"{type(error).__name__}: {error}", "function")
    return made
