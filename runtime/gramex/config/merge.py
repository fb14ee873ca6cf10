"""Puts configurations together: layers, of which the later wins, and imports, of which the earlier wins."""

from __future__ import annotations

import logging
from typing import Any

from .entries import is_complete, names_entries
from .problem import Problem
from .substitute import dotted
from .tree import Section


def overlay(below: Section, above: Section) -> Section:
    """Put the layer `above` over `below`, which is changed and returned.

    Mappings are merged key by key at any depth; every other value replaces what was there, null too.
    """
    for key, value in above.items():
        mine = below.get(key)
        if isinstance(mine, Section) and isinstance(value, Section):
            overlay(mine, value)
            if key in above.places:
                below.places[key] = above.places[key]
        else:
            below.put(key, value, above.places.get(key))
    return below


def underlay(
    above: Section, below: Section, path: tuple[Any, ...] = (), problems: list[Problem] | None = None
) -> Section:
    """Fill `above`, which is changed and returned, with what `below` has more: an import under its importing file.

    Mappings are merged key by key at any depth; what `above` has wins, null too. `path` leads to `above`. An entry of a
    section such as ``url:`` that is complete in `above` is left as it is, so that nothing of another app's entry of
    the same name gets into it. Each such clash is a warning in `problems`, if that is given.
    """
    names = names_entries(path)
    for key, value in below.items():
        if key not in above:
            above.put(key, value, below.places.get(key))
            continue
        mine = above[key]
        if not (isinstance(mine, Section) and isinstance(value, Section)):
            continue
        if names:
            if problems is not None:
                problems.append(_duplicate(above, below, (*path, key)))
            if is_complete(path, mine):
                continue
        underlay(mine, value, (*path, key), problems)
    return above


def _duplicate(above: Section, below: Section, keys: tuple[Any, ...]) -> Problem:
    """Return the warning for two entries of one name."""
    first, second = above.places.get(keys[-1]), below.places.get(keys[-1])
    message = f"Duplicate key: {dotted(keys)}: "
    message += f"{first[0]}:{first[1]} wins" if first else "an earlier one wins"
    message += f". Rename one of them, or import with namespace: {dotted(keys[:-1])}"
    file, line = second or (None, None)
    return Problem(logging.WARNING, message, file, line, dotted(keys))
