"""Sections whose keys are names that somebody chose, such as ``url:``: two of the same name are a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Section -> the keys that make an entry of it complete (each a set of alternatives). An entry that lacks one is an
# addition to an entry of the same name elsewhere. Empty: entries are always put together key by key.
ENTRIES: dict[str, list[set[str]]] = {
    "url": [{"pattern"}, {"handler", "service"}],
    "cache": [{"type"}],
    "schedule": [{"function"}],
    "watch": [{"paths"}],
    "email": [{"type"}],
    "alert": [{"service"}],
    "sms": [{"type"}],
    "log.loggers": [],
    "log.handlers": [],
    "log.formatters": [],
}


def names_entries(path: Sequence[Any]) -> bool:
    """True if the keys of the section at `path` are names of entries."""
    return 0 < len(path) < 3 and ".".join(str(each) for each in path) in ENTRIES


def is_complete(path: Sequence[Any], entry: Any) -> bool:
    """True if an entry of the section at `path` can stand alone."""
    needed = ENTRIES[".".join(str(each) for each in path)]
    return bool(needed) and all(alternatives & entry.keys() for alternatives in needed)
