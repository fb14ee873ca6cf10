"""The parsed form of a configuration: plain lists and values, and mappings that know where each key was written."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

# Where a key was written: a file, and a line that counts from 1.
Place = tuple[Path, int]

MAX_NODES = 200_000  # that aliases and variables may add to what is written in the files of one configuration
MAX_TEXT = 20_000_000  # characters that they may add


class TooLarge(Exception):
    """Aliases or variables multiply a configuration beyond any sensible size."""


class Budget:
    """What aliases and variables may still add. One for each load, so that many files do not multiply it."""

    __slots__ = ("nodes", "text")

    def __init__(self, nodes: int = MAX_NODES, text: int = MAX_TEXT):
        self.nodes = nodes
        self.text = text

    def spend_nodes(self, count: int) -> None:
        """Take `count` values off.

        Raises:
            TooLarge: there are not as many left.
        """
        self.nodes -= count
        if self.nodes < 0:
            raise TooLarge("aliases and variables multiply it to more than 200,000 values: repeat less of it")

    def spend_text(self, count: int) -> None:
        """Take `count` characters off.

        Raises:
            TooLarge: there are not as many left.
        """
        self.text -= count
        if self.text < 0:
            raise TooLarge("variables multiply its texts to more than 20 million characters: repeat less of it")


class Section(dict[Any, Any]):
    """A mapping that keeps the place of every key in `places`."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[Hashable, Place] = {}

    def put(self, key: Any, value: Any, place: Place | None) -> None:
        """Set a key and its place, which may be unknown."""
        self[key] = value
        if place is not None:
            self.places[key] = place
        else:
            self.places.pop(key, None)

    def take(self, key: Any) -> Any:
        """Remove a key and its place; its value."""
        self.places.pop(key, None)
        return self.pop(key)


def copy(value: Any, budget: Budget) -> Any:
    """Return a deep copy, places included.

    Raises:
        TooLarge: `budget` is used up.
    """
    if isinstance(value, dict):
        budget.spend_nodes(len(value))
        section = Section()
        for key, each in value.items():
            section[key] = copy(each, budget) if isinstance(each, (dict, list)) else each
        if isinstance(value, Section):
            section.places.update(value.places)
        return section
    if isinstance(value, list):
        budget.spend_nodes(len(value))
        return [copy(each, budget) if isinstance(each, (dict, list)) else each for each in value]
    return value


def sections(value: Any, place: Place | None = None) -> Any:
    """Return `value` with plain mappings turned into sections whose keys were all written at `place`."""
    if isinstance(value, dict):
        section = Section()
        for key, each in value.items():
            section.put(key, sections(each, place), place)
        return section
    return [sections(each, place) for each in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return the configuration as services see it: dict, list and values, without nulls and without ``comment:``."""
    if isinstance(value, dict):
        return {
            key: plain(each) if isinstance(each, (dict, list)) else each
            for key, each in value.items()
            if each is not None and key != "comment"
        }
    if isinstance(value, list):
        return [plain(each) for each in value if each is not None]
    return value


def find_place(tree: Any, path: tuple[str, ...]) -> Place | None:
    """Return where the key at `path` was written; the nearest key above it if it is not there; None when unknown."""
    place = None
    for name in path:
        if isinstance(tree, list):
            tree = tree[int(name)] if name.isdigit() and int(name) < len(tree) else None
            continue
        if not isinstance(tree, Section):
            break
        key = name if name in tree else next((each for each in tree if str(each) == name), None)
        if key is None:
            break
        place = tree.places.get(key)
        tree = tree[key]
    return place
