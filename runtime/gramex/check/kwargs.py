"""Finds keys of ``kwargs:`` that no handler reads and that are much like one that it does read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gramex.config import Loaded
from gramex.config.table import PACKAGE
from gramex.handlers.keys import COMMON, HANDLERS
from gramex.handlers.registry import SHORT, short
from gramex.options import nearest

LIKENESS = 0.8  # other keys are the app's own, for its code to read
EVERY = frozenset(key.name.partition(".")[0] for key in COMMON)


def mistyped_kwargs(loaded: Loaded) -> Iterator[str]:
    """Yield a sentence for each such key, with its place."""
    for name, entry in entries(loaded, "url"):
        handler = entry.get("handler") or entry.get("service")
        yield from mistyped(loaded, ("url", name, "kwargs"), str(handler), entry.get("kwargs"))
    for name, kwargs in entries(loaded, "handlers"):
        yield from mistyped(loaded, ("handlers", name), name, kwargs)


def entries(loaded: Loaded, section: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Yield the entries of a section that are mappings."""
    found = loaded.conf.get(section)
    for name, entry in found.items() if isinstance(found, Mapping) else ():
        if isinstance(entry, Mapping):
            yield str(name), entry


def mistyped(loaded: Loaded, path: tuple[str, ...], handler: str, kwargs: Any) -> Iterator[str]:
    """Yield a sentence for each key of `kwargs` that `handler` does not read but might be meant to."""
    declared = HANDLERS.get(SHORT.get(short(handler), handler))
    if not isinstance(kwargs, Mapping) or (declared is None and short(handler) != "base"):
        return
    known = EVERY | {key.name.partition(".")[0] for key in declared or ()}
    for key in map(str, kwargs):
        where = loaded.where(*path, key)
        is_dataset = isinstance(kwargs.get(key), Mapping) and "url" in kwargs[key]
        if key in known or is_dataset or where.startswith(str(PACKAGE)):
            continue
        near = nearest(key, known, LIKENESS)
        if near:
            text = ".".join((*path, key))
            yield f"{f'{where}: ' if where else ''}{text}: is not known: did you mean {near}?"
