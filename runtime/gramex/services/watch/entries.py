"""Reads the entries of ``watch:``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gramex.services.sections import Entry, EntryError, read_entries

if TYPE_CHECKING:
    from gramex.config import Loaded

KINDS = ("modified", "created", "deleted", "moved", "any_event")
KNOWN = ("paths", *(f"on_{kind}" for kind in KINDS))


@dataclass(frozen=True)
class Watch:
    """Paths, absolute, and the functions to call. `label` is what the log calls it, `spec` its entry."""

    label: str
    spec: Mapping[str, Any]
    paths: list[str]
    functions: dict[str, Callable[[Any], Any]]

    def functions_for(self, kind: str) -> list[Callable[[Any], Any]]:
        """Return what to call for a kind of event."""
        return [self.functions[each] for each in ("any_event", kind) if each in self.functions]


def read_watches(loaded: Loaded, old: Mapping[str, Watch]) -> dict[str, Watch]:
    """Return the entries of ``watch:`` by their labels; those of `old` that are the same, as they are.

    Mistakes are logged, and cost their entries.
    """
    return {each.label: each for each in read_entries(loaded, "watch", lambda entry: make_watch(entry, old)).values()}


def make_watch(entry: Entry, old: Mapping[str, Watch]) -> Watch:
    """Return what an entry says.

    Raises:
        ValueError: the entry has a mistake.
        Exception: what a module of the app raises that is imported for it.
    """
    from gramex.handlers.expression import compile_function

    known = old.get(entry.label)
    if known is not None and known.spec == entry.spec:
        return known
    entry.check_keys(KNOWN)
    functions = {}
    given = entry.spec.get("paths")
    paths = given if isinstance(given, list) else [given] if given else []
    if not paths:
        raise EntryError("", "has no paths: name files, folders or patterns such as data/*.csv")
    for path in paths:
        if not isinstance(path, str) or not path or "\0" in path:
            raise EntryError("paths", f"must be the path of a file or folder, or a pattern, not {path!r}")
    for kind in KINDS:
        key = f"on_{kind}"
        spec = entry.spec.get(key)
        if spec is None:
            continue
        if callable(spec):
            functions[kind] = spec
            continue
        try:
            extra = {key: spec} if not isinstance(spec, Mapping) else spec
            function = compile_function(extra, ("event",), "function" if isinstance(spec, Mapping) else key)
        except ValueError as error:
            raise EntryError(key, str(error).removeprefix(f"{key}: ")) from None
        check_callable(function, key)
        functions[kind] = function
    if not functions:
        raise EntryError("", "has no events: give on_modified, on_created, on_deleted, on_moved or on_any_event")
    folder = str(entry.loaded.folder)
    absolute = [os.path.normpath(os.path.join(folder, path)) for path in paths]  # noqa: PTH118  ** stays as it is
    return Watch(entry.label, entry.spec, absolute, functions)


def check_callable(function: Any, key: str) -> None:
    """Look whether a name alone means a function.

    Raises:
        EntryError: it means something else.
    """
    if getattr(function, "bare", False) and not callable(value := function.evaluate(None)):
        raise EntryError(key, f"{function.text!r} is no function, but {value!r}")
